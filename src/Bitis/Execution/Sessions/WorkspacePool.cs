using Bitis.Execution.Planning;

namespace Bitis.Execution.Sessions;

/// <summary>The pool of a session's workspaces; each serves one call at a time.</summary>
/// <remarks>
/// There are at most <see cref="Limit"/> workspaces. A call that finds none waits, first come, first served.
/// </remarks>
/// <param name="plan">The plan that the workspaces run.</param>
/// <param name="threads">The most threads of one call.</param>
internal sealed class WorkspacePool(Plan plan, int threads) : IDisposable
{
    /// <summary>The most workspaces. More would only take memory, since each call takes a processor.</summary>
    public const int Limit = 4;

    private readonly object _gate = new();
    private readonly Stack<SessionWorkspace> _free = new(Limit); // the last one used is in the caches
    private readonly Queue<TaskCompletionSource<SessionWorkspace>> _waiting = new();
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
    public SessionWorkspace Rent(CancellationToken cancellationToken)
    {
        if (TryRent(cancellationToken, out TaskCompletionSource<SessionWorkspace>? call) is { } workspace)
            return workspace;
        using (CancelWith(call!, cancellationToken))
            return call!.Task.GetAwaiter().GetResult();
    }

    /// <summary>Takes a workspace as soon as there is one.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    public async ValueTask<SessionWorkspace> RentAsync(CancellationToken cancellationToken)
    {
        if (TryRent(cancellationToken, out TaskCompletionSource<SessionWorkspace>? call) is { } workspace)
            return workspace;
        using (CancelWith(call!, cancellationToken))
            return await call!.Task.ConfigureAwait(false);
    }

    /// <summary>Gives a workspace to the call that has waited longest.</summary>
    public void Return(SessionWorkspace workspace)
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out TaskCompletionSource<SessionWorkspace>? call))
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
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_waiting.TryDequeue(out TaskCompletionSource<SessionWorkspace>? call))
                call.TrySetException(Disposed());
            while (_free.Count < _count)
                Monitor.Wait(_gate);
            foreach (SessionWorkspace workspace in _free)
                workspace.Dispose();
        }
    }

    /// <summary>Takes a free or a new workspace.</summary>
    /// <returns>Null if there is none; <paramref name="call"/> will get one.</returns>
    private SessionWorkspace? TryRent(
        CancellationToken cancellationToken, out TaskCompletionSource<SessionWorkspace>? call)
    {
        cancellationToken.ThrowIfCancellationRequested();
        call = null;
        lock (_gate)
        {
            if (_isDisposed)
                throw Disposed();
            if (_free.TryPop(out SessionWorkspace? workspace))
                return workspace;
            if (_count < Limit)
            {
                workspace = new SessionWorkspace(plan, threads);
                _count++;
                return workspace;
            }
            call = new TaskCompletionSource<SessionWorkspace>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(call);
            return null;
        }
    }

    private static CancellationTokenRegistration CancelWith(
        TaskCompletionSource<SessionWorkspace> call, CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<SessionWorkspace>)state!).TrySetCanceled(token), call);

    private static ObjectDisposedException Disposed() => new(nameof(InferenceSession));
}
