using System.Runtime.ExceptionServices;

namespace Bitis.Execution.Sessions;

/// <summary>The pool of a session's workspaces; each serves one call at a time.</summary>
/// <remarks>A call that finds none waits, first come, first served.</remarks>
/// <typeparam name="TWorkspace">What a call works in.</typeparam>
/// <param name="create">Creates a workspace when it is first needed.</param>
/// <param name="limit">The most workspaces.</param>
internal sealed class WorkspacePool<TWorkspace>(Func<TWorkspace> create, int limit) : IDisposable
    where TWorkspace : class, IDisposable
{
    private readonly object _gate = new();
    private readonly Stack<TWorkspace> _free = new(limit); // the last one used is in the caches
    private readonly Queue<TaskCompletionSource<TWorkspace>> _waiting = new();
    private int _count;
    private bool _isDisposed;

    /// <summary>How many workspaces there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>How many calls wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count(call => !call.Task.IsCompleted);
        }
    }

    /// <summary>Takes a workspace, or blocks until one is free. Allocates nothing if one is free.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    public TWorkspace Rent(CancellationToken cancellationToken)
    {
        if (TryRent(cancellationToken, out TaskCompletionSource<TWorkspace>? call) is { } workspace)
            return workspace;
        using (CancelWith(call!, cancellationToken))
            return call!.Task.GetAwaiter().GetResult();
    }

    /// <summary>Takes a workspace as soon as there is one.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    public async ValueTask<TWorkspace> RentAsync(CancellationToken cancellationToken)
    {
        if (TryRent(cancellationToken, out TaskCompletionSource<TWorkspace>? call) is { } workspace)
            return workspace;
        using (CancelWith(call!, cancellationToken))
            return await call!.Task.ConfigureAwait(false);
    }

    /// <summary>Gives a workspace to the call that has waited longest.</summary>
    public void Return(TWorkspace workspace)
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out TaskCompletionSource<TWorkspace>? call))
            {
                if (call.TrySetResult(workspace))
                    return; // else it was cancelled
            }
            _free.Push(workspace);
            if (_isDisposed)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Refuses new and waiting calls, waits for running calls, and frees the memory.</summary>
    /// <remarks>All workspaces are freed, even if one fails; the first failure is thrown then.</remarks>
    public void Dispose()
    {
        TWorkspace[] workspaces;
        lock (_gate)
        {
            _isDisposed = true;
            while (_waiting.TryDequeue(out TaskCompletionSource<TWorkspace>? call))
                call.TrySetException(Disposed());
            while (_free.Count < _count)
                Monitor.Wait(_gate);
            workspaces = [.. _free];
            _free.Clear();
            _count = 0; // another Dispose finds nothing to wait for or to free
        }
        ExceptionDispatchInfo? failure = null;
        foreach (TWorkspace workspace in workspaces)
        {
            try
            {
                workspace.Dispose();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }
        failure?.Throw();
    }

    /// <summary>Takes a free or a new workspace.</summary>
    /// <returns>Null if there is none; <paramref name="call"/> will get one.</returns>
    private TWorkspace? TryRent(
        CancellationToken cancellationToken, out TaskCompletionSource<TWorkspace>? call)
    {
        cancellationToken.ThrowIfCancellationRequested();
        call = null;
        lock (_gate)
        {
            if (_isDisposed)
                throw Disposed();
            if (_free.TryPop(out TWorkspace? workspace))
                return workspace;
            if (_count < limit)
            {
                workspace = create();
                _count++;
                return workspace;
            }
            call = new TaskCompletionSource<TWorkspace>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(call);
            return null;
        }
    }

    private static CancellationTokenRegistration CancelWith(
        TaskCompletionSource<TWorkspace> call, CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<TWorkspace>)state!).TrySetCanceled(token), call);

    private static ObjectDisposedException Disposed() => new(nameof(InferenceSession));
}
