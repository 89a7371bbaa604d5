using System.Runtime.ExceptionServices;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// A fixed set of threads that compute the parts of one operation after another. The caller is one of them, the split
/// is static (part p runs on thread p mod <see cref="ThreadCount"/>), and a call allocates nothing. Between operations
/// the threads spin briefly, then sleep.
/// </summary>
/// <remarks>
/// Safe to call from several threads: while one operation runs, others (nested ones too) run on their callers alone.
/// Kernels give the same bits for every split, so nobody can tell.
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    // About 300 µs, since .NET calibrates a spin iteration to roughly 30 ns: longer than one thread waits for another
    // within an inference, shorter than anyone would notice. Waking a thread that sleeps takes some 50 µs.
    private const int SpinRounds = 2000;
    private const int SpinIterations = 5;

    private readonly object _gate = new();
    private readonly Thread[] _workers;
    private Action<int>? _body;
    private ExceptionDispatchInfo? _failure;
    private int _parts;
    private int _busy;
    private int _pending;
    private int _generation;
    private int _sleepingWorkers;
    private int _callerSleeps;
    private bool _stopping;

    /// <summary>Starts the threads.</summary>
    /// <param name="threadCount">How many threads compute, the caller included; at least 1.</param>
    public WorkerPool(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        ThreadCount = threadCount;
        _workers = new Thread[threadCount - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int share = i + 1;
            _workers[i] = new Thread(() => Work(share)) { IsBackground = true, Name = $"Bitis worker {share}" };
            _workers[i].Start();
        }
    }

    /// <summary>How many threads compute, the caller included.</summary>
    public int ThreadCount { get; }

    /// <summary>
    /// Calls <paramref name="body"/> once for each part from 0 to before <paramref name="parts"/> and returns when all
    /// are done. Keep the delegate in a field: creating one allocates.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    /// <exception cref="Exception">
    /// What a part threw (the first in time); the parts of other threads still ran.
    /// </exception>
    public void Run(int parts, Action<int> body)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        if (parts <= 1 || ThreadCount == 1 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            for (int part = 0; part < parts; part++)
                body(part);
            return;
        }

        try
        {
            _body = body;
            _parts = parts;
            _failure = null;
            _pending = _workers.Length;
            // From here on the workers that spin run. One that is about to sleep has either counted itself, or sees this.
            Interlocked.Increment(ref _generation);
            if (Volatile.Read(ref _sleepingWorkers) != 0)
                WakeAll();
            RunShare(0);
            WaitForWorkers();
            _body = null;
            _failure?.Throw();
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Ends the threads; must not be called while an operation runs.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread worker in _workers)
            worker.Join();
    }

    private void Work(int share)
    {
        int seen = 0;
        while (true)
        {
            for (int round = 0; round < SpinRounds && Volatile.Read(ref _generation) == seen; round++)
                Thread.SpinWait(SpinIterations);
            if (Volatile.Read(ref _generation) == seen && !SleepUntilAfter(seen))
                return;
            seen = Volatile.Read(ref _generation);
            RunShare(share);
            if (Interlocked.Decrement(ref _pending) == 0 && Volatile.Read(ref _callerSleeps) != 0)
                WakeAll();
        }
    }

    /// <summary>Waits for an operation after the one with a number.</summary>
    /// <returns>Whether there is one; false if the pool ends.</returns>
    private bool SleepUntilAfter(int generation)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _sleepingWorkers);
            while (Volatile.Read(ref _generation) == generation && !_stopping)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepingWorkers);
            return !_stopping;
        }
    }

    private void WaitForWorkers()
    {
        for (int round = 0; round < SpinRounds && Volatile.Read(ref _pending) != 0; round++)
            Thread.SpinWait(SpinIterations);
        if (Volatile.Read(ref _pending) == 0)
            return;
        lock (_gate)
        {
            Interlocked.Exchange(ref _callerSleeps, 1);
            while (Volatile.Read(ref _pending) != 0)
                Monitor.Wait(_gate);
            _callerSleeps = 0;
        }
    }

    private void WakeAll()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    private void RunShare(int share)
    {
        try
        {
            for (int part = share; part < _parts; part += ThreadCount)
                _body!(part);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
        }
    }
}
