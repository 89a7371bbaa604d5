using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;

namespace Bitis.Tests.Kernels;

public sealed class WorkerPoolTests
{
    [Fact]
    public void Every_part_runs_exactly_once()
    {
        for (int threads = 1; threads <= 4; threads++)
        {
            using var pool = new WorkerPool(threads);
            for (int parts = 0; parts <= 9; parts++)
            {
                var counts = new int[parts];
                pool.Run(parts, part => Interlocked.Increment(ref counts[part]));
                Assert.All(counts, count => Assert.Equal(1, count));
            }
        }
    }

    [Fact]
    public void Parts_of_a_thread_that_is_held_up_are_run_by_others()
    {
        using var pool = new WorkerPool(2);
        using var othersAreDone = new ManualResetEventSlim();
        int remaining = 7;
        // Part 0 does not end before all others have; its thread's parts 2, 4 and 6 must find someone else.
        pool.Run(8, part =>
        {
            if (part == 0)
                othersAreDone.Wait();
            else if (Interlocked.Decrement(ref remaining) == 0)
                othersAreDone.Set();
        });
        Assert.Equal(0, remaining);
    }

    [Fact]
    public void Many_short_operations_in_a_row_all_complete()
    {
        using var pool = new WorkerPool(3);
        int total = 0;
        Action<int> body = part => Interlocked.Add(ref total, part);
        for (int i = 0; i < 2000; i++)
        {
            pool.Run(3, body);
            if (i % 500 == 0)
                Thread.Sleep(2); // long enough for the threads to fall asleep
        }
        Assert.Equal(2000 * 3, total);
    }

    [Fact]
    public void A_caller_that_falls_asleep_hears_of_the_last_part()
    {
        using var pool = new WorkerPool(3);
        for (int i = 0; i < 30; i++)
        {
            int ran = 0;
            pool.Run(3, part =>
            {
                Thread.Sleep(part * (i % 3)); // longer than the caller spins
                Interlocked.Increment(ref ran);
            });
            Assert.Equal(3, ran);
        }
    }

    [Fact]
    public void An_operation_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        Action<int> body = static _ => { };
        pool.Run(2, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            pool.Run(2, body);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_pool_stays_usable()
    {
        using var pool = new WorkerPool(2);
        for (int failing = 0; failing < 4; failing++)
        {
            Assert.Throws<InvalidOperationException>(() => pool.Run(4, part =>
            {
                if (part == failing)
                    throw new InvalidOperationException();
            }));
            int ran = 0;
            pool.Run(4, _ => Interlocked.Increment(ref ran));
            Assert.Equal(4, ran);
        }
    }

    [Fact]
    public void Nested_and_concurrent_operations_complete()
    {
        using var pool = new WorkerPool(2);
        int ran = 0;
        pool.Run(2, _ => pool.Run(3, _ => Interlocked.Increment(ref ran)));
        Assert.Equal(6, ran);

        var callers = new Thread[3];
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = new Thread(() =>
            {
                for (int j = 0; j < 200; j++)
                    pool.Run(4, _ => Interlocked.Increment(ref ran));
            });
            callers[i].Start();
        }
        foreach (Thread caller in callers)
            caller.Join();
        Assert.Equal(6 + (3 * 200 * 4), ran);
    }

    [Fact]
    public void Calls_one_after_the_other_share_their_threads_and_calls_at_once_do_not()
    {
        const int Threads = 7; // nobody else's number
        WorkerPool first = WorkerPool.Rent(Threads), second = WorkerPool.Rent(Threads);
        Assert.NotSame(first, second);
        WorkerPool.Return(second);
        WorkerPool again = WorkerPool.Rent(Threads);
        Assert.Same(second, again);
        Assert.Equal(Threads, again.ThreadCount);
        WorkerPool.Return(again);
        WorkerPool.Return(first);
        Assert.Throws<ArgumentOutOfRangeException>(() => WorkerPool.Rent(0));
    }

    [Theory]
    [InlineData(2, 1, 2, 2)] // a lone caller gets what it wants,
    [InlineData(8, 1, 2, 8)] // also more than there are processors
    [InlineData(2, 2, 2, 1)] // several share the processors
    [InlineData(2, 4, 2, 1)] // and each has the thread that it came with
    [InlineData(64, 2, 64, 32)]
    [InlineData(64, 3, 64, 21)]
    [InlineData(4, 3, 64, 4)] // nobody gets more than it wants
    public void Callers_share_the_processors(int wanted, int callers, int processors, int expected) =>
        Assert.Equal(expected, WorkerPool.ShareOf(wanted, callers, processors));

    [Fact]
    public void A_call_on_one_thread_needs_no_threads_of_a_pool()
    {
        WorkerPool alone = WorkerPool.Rent(1);
        Assert.Same(alone, WorkerPool.Rent(1));
        WorkerPool.Return(alone);
        int ran = 0;
        alone.Run(3, _ => ran++);
        Assert.Equal((3, 1), (ran, alone.ThreadCount));
    }

    [Fact]
    public void Threads_that_nobody_needs_end()
    {
        WorkerPool[] pools = [.. Enumerable.Range(0, Environment.ProcessorCount + 3).Select(_ => WorkerPool.Rent(6))];
        foreach (WorkerPool pool in pools)
            WorkerPool.Return(pool);
        Assert.Throws<ObjectDisposedException>(() => pools[^1].Run(2, static _ => { }));
    }

    [Fact]
    public void An_idle_pool_keeps_nothing_alive()
    {
        using var pool = new WorkerPool(2);
        WeakReference reference = Use(pool);
        for (int i = 0; i < 10 && reference.IsAlive; i++)
            GC.Collect();
        Assert.False(reference.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Use(WorkerPool pool)
        {
            var target = new object();
            pool.Run(4, _ => GC.KeepAlive(target));
            return new WeakReference(target);
        }
    }

    [Fact]
    public void A_disposed_pool_refuses_work()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(1, static _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(0));
    }
}
