using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Bitis.Kernels.Dispatch;

/// <summary>A fixed set of threads that compute the parts of one operation after another.</summary>
/// <remarks>
/// Threads belong to the process. A call rents an idle pool or starts one (<see cref="Rent"/>,
/// <see cref="RentShare"/>). The caller is one of the threads, and a call allocates nothing. The split is static: part
/// p belongs to thread p mod <see cref="ThreadCount"/>. A thread that has finished its own parts takes over parts that
/// others have not begun. So work does not wait for a thread that the system has not scheduled. Between operations, the
/// threads spin briefly, then sleep. Several threads may call at once. While one operation runs, others (nested ones
/// too) run on their callers alone. Results do not change, since kernels give the same bits for every split.
/// <code>
///   share of thread s:  operation (32 bits) | its parts (16) | parts of the share that are taken (16)
/// </code>
/// A thread takes a part by exchanging this word for one that is greater by 1. The exchange fails if anything in the
/// word has changed, the operation included. An operation ends only when all taken parts are done. So the word's
/// operation cannot change while a taken part is computed.
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    // About 300 µs, since .NET calibrates a spin iteration to roughly 30 ns. Within an inference, threads wait for each
    // other for less. Waking a sleeping thread takes some 50 µs.
    private const int SpinRounds = 2000;
    private const int SpinIterations = 5;

    private const int MaxParts = 0xFFFF;

    /// <summary>The pool of all calls on one thread: it has no threads of its own, and no state.</summary>
    private static readonly WorkerPool CallerAlone = new(1);

    /// <summary>The idle pools, by their number of threads. Renting one allocates nothing.</summary>
    private static readonly Dictionary<int, Stack<WorkerPool>> Idle = [];

    private static readonly Lock IdleGate = new();

    /// <summary>How many calls have a share of the processors now.</summary>
    private static int _sharers;

    private readonly object _gate = new();
    private readonly Thread[] _workers;
    private Action<int>? _body;
    private ExceptionDispatchInfo? _failure;
    private readonly Share[] _shares;
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
        _shares = new Share[threadCount];
        _workers = new Thread[threadCount - 1];
        try
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                int share = i + 1;
                _workers[i] = new Thread(() => Work(share)) { IsBackground = true, Name = $"Bitis worker {share}" };
                _workers[i].UnsafeStart(); // later callers must not see the first caller's execution context
            }
        }
        catch
        {
            Stop(); // the threads that were started
            throw;
        }
    }

    /// <summary>How many threads compute, the caller included.</summary>
    public int ThreadCount { get; }

    /// <summary>Rents a pool for one call at a time; <see cref="Return"/> gives it back.</summary>
    /// <remarks>
    /// However many objects compute, there are only as many threads as the calls that run at once need.
    /// </remarks>
    /// <param name="threadCount">How many threads compute, the caller included; at least 1.</param>
    public static WorkerPool Rent(int threadCount)
    {
        if (threadCount == 1)
            return CallerAlone;
        lock (IdleGate)
        {
            if (Idle.TryGetValue(threadCount, out Stack<WorkerPool>? idle) && idle.TryPop(out WorkerPool? pool))
                return pool;
        }
        return new WorkerPool(threadCount);
    }

    /// <summary>Gives a pool back. Its threads end if there are more idle pools than the processors can use.</summary>
    public static void Return(WorkerPool pool)
    {
        if (pool == CallerAlone)
            return;
        lock (IdleGate)
        {
            if (!Idle.TryGetValue(pool.ThreadCount, out Stack<WorkerPool>? idle))
                Idle.Add(pool.ThreadCount, idle = new Stack<WorkerPool>());
            if (idle.Count <= Environment.ProcessorCount / pool.ThreadCount)
            {
                idle.Push(pool);
                return;
            }
        }
        pool.Dispose();
    }

    /// <summary>Rents a pool for a short call.</summary>
    /// <remarks>Calls that run at once share the processors. So a call may get fewer threads than it can use.</remarks>
    /// <param name="wanted">How many threads the call can use; at least 1.</param>
    /// <returns>A pool to give back with <see cref="ReturnShare"/>.</returns>
    public static WorkerPool RentShare(int wanted)
    {
        int callers = Interlocked.Increment(ref _sharers);
        try
        {
            return Rent(ShareOf(wanted, callers, Environment.ProcessorCount));
        }
        catch
        {
            Interlocked.Decrement(ref _sharers); // the system could not start a thread
            throw;
        }
    }

    /// <summary>Gives a share back.</summary>
    public static void ReturnShare(WorkerPool pool)
    {
        Return(pool);
        Interlocked.Decrement(ref _sharers);
    }

    /// <summary>How many threads one of several callers gets. A lone caller gets all that it can use.</summary>
    /// <param name="wanted">How many threads it can use.</param>
    /// <param name="callers">How many callers there are, with this one.</param>
    /// <param name="processors">The number of processors that they share.</param>
    internal static int ShareOf(int wanted, int callers, int processors) =>
        callers <= 1 ? wanted : Math.Clamp(processors / callers, 1, wanted);

    /// <summary>
    /// Calls <paramref name="body"/> once for each part from 0 to before <paramref name="parts"/> and returns when all
    /// are done.
    /// </summary>
    /// <remarks>The delegate belongs in a field, since creating one allocates.</remarks>
    /// <param name="parts">At most 65535.</param>
    /// <param name="body">The work on a part; several parts run at once.</param>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    /// <exception cref="Exception">
    /// The first exception that a part threw. The parts of other threads still ran.
    /// </exception>
    public void Run(int parts, Action<int> body)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, MaxParts);
        if (parts <= 1 || ThreadCount == 1 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            for (int part = 0; part < parts; part++)
                body(part);
            return;
        }

        try
        {
            _body = body;
            _failure = null;
            _pending = parts;
            ulong word = ((ulong)(uint)(_generation + 1) << 32) | ((ulong)parts << 16);
            foreach (ref Share share in _shares.AsSpan())
                Volatile.Write(ref share.Word, word);
            // From here on, spinning workers run. A worker that is about to sleep has either counted itself, or sees
            // the new operation.
            Interlocked.Increment(ref _generation);
            if (Volatile.Read(ref _sleepingWorkers) != 0)
                WakeAll();
            RunParts(0);
            WaitForWorkers();
            _failure?.Throw();
        }
        finally
        {
            // A waiting thread must not keep the objects of its last work alive. All parts are done, so none of them
            // reads the field.
            (_body, _failure) = (null, null);
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Ends the threads; must not be called while an operation runs.</summary>
    public void Dispose()
    {
        Stop();
        foreach (Thread worker in _workers)
            worker.Join();
    }

    private void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
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
            RunParts(share);
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

    /// <summary>Runs a thread's own parts, and then those of other threads that have not begun.</summary>
    private void RunParts(int thread)
    {
        for (int i = 0; i < ThreadCount; i++)
        {
            int share = (thread + i) % ThreadCount;
            while (Take(share) is >= 0 and var part)
                RunPart(part);
        }
    }

    /// <summary>The next part of a share, or -1 if all are taken.</summary>
    private int Take(int share)
    {
        ref ulong word = ref _shares[share].Word;
        while (true)
        {
            ulong found = Volatile.Read(ref word);
            int part = share + ((int)(found & 0xFFFF) * ThreadCount);
            if (part >= (int)((found >> 16) & 0xFFFF))
                return -1;
            if (Interlocked.CompareExchange(ref word, found + 1, found) == found)
                return part;
        }
    }

    private void RunPart(int part)
    {
        try
        {
            _body!(part);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
        }
        if (Interlocked.Decrement(ref _pending) == 0 && Volatile.Read(ref _callerSleeps) != 0)
            WakeAll();
    }

    /// <summary>The parts of one thread, on a cache line of their own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Share
    {
        [FieldOffset(64)]
        public ulong Word;
    }
}
