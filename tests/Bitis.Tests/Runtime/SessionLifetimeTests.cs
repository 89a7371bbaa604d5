using System.Runtime.CompilerServices;
using Bitis.Execution.Sessions;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Tests.Models;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Runtime;

/// <summary>Threads and memory of sessions. They are counted, so nothing else runs beside these tests.</summary>
[CollectionDefinition(nameof(SessionLifetimeTests), DisableParallelization = true)]
[Collection(nameof(SessionLifetimeTests))]
public sealed class SessionLifetimeTests
{
    private const int Sessions = 300;

    [Fact]
    public void Sessions_that_nobody_disposes_keep_neither_threads_nor_memory()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = MicroModel.Images(model, 2, seed: 1), expected;
        long bytesOfOne;
        using (InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 3 }))
        {
            Collect();
            long without = AlignedMemoryHandle.LiveBytes;
            expected = session.Run(images);
            bytesOfOne = AlignedMemoryHandle.LiveBytes - without + session.WeightBytes;
        }
        Collect();
        long before = AlignedMemoryHandle.LiveBytes;
        int threadsBefore = Workers();
        var references = new List<WeakReference>();
        for (int i = 0; i < Sessions; i++)
            references.Add(Drop(model, images, expected));
        Assert.InRange(Workers(), 0, threadsBefore + 2);
        Collect();
        Assert.DoesNotContain(references, reference => reference.IsAlive);
        Assert.InRange(AlignedMemoryHandle.LiveBytes - before, long.MinValue, bytesOfOne);
    }

    [Fact]
    public void Two_callers_use_two_sessions_at_once()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = MicroModel.Images(model, 5, seed: 1);
        using InferenceSession one = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        using InferenceSession other = InferenceSession.Create(
            MicroModel.Quantize(model, new() { Method = "minmax" }), new SessionOptions { Threads = 2 });
        FloatTensor expected = one.Run(images), otherExpected = other.Run(images);
        Thread[] callers = [Start(one, expected), Start(other, otherExpected)];
        foreach (Thread caller in callers)
            caller.Join();
        Assert.Equal(2 * 20, _right);

        Thread Start(InferenceSession session, FloatTensor expected)
        {
            var thread = new Thread(() =>
            {
                for (int i = 0; i < 20; i++)
                {
                    if (session.Run(images).Span.SequenceEqual(expected.Span))
                        Interlocked.Increment(ref _right);
                }
            });
            thread.Start();
            return thread;
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 5)]
    public void A_run_into_memory_of_the_callers_allocates_nothing(int threads, int batch)
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = MicroModel.Images(model, batch, seed: 1);
        FloatTensor logits = new([batch, model.Config.Classes]);
        var options = new SessionOptions { Threads = threads };
        using InferenceSession floats = InferenceSession.Create(model, options);
        using InferenceSession integers =
            InferenceSession.Create(
                MicroModel.Quantize(model, new() { Bits = new(4, 8), Scope = Scope.Full }), options);
        using var source = new CancellationTokenSource();
        foreach (InferenceSession session in (InferenceSession[])[floats, integers])
        {
            FloatTensor expected = session.Run(images);
            session.Run(images.Span, logits.Span, source.Token);
            TensorAssert.Same(expected, logits);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
                session.Run(images.Span, logits.Span, source.Token);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Fact]
    public void Calls_give_their_share_of_the_processors_back_however_they_end()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = MicroModel.Images(model, 4, seed: 1);
        var cancelled = new CancellationToken(canceled: true);
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        session.Run(images);
        session.Profile(MicroModel.Images(model, 1, seed: 1));
        SessionWorkspace workspace = session.Workspaces.Rent(CancellationToken.None);
        session.Workspaces.Return(workspace);
        Assert.Throws<OperationCanceledException>(() => session.Run(images, cancelled));
        workspace.Dispose(); // the next call fails in the middle
        Assert.Throws<ObjectDisposedException>(() => session.Run(images));

        WorkerPool first = WorkerPool.RentShare(5), second = WorkerPool.RentShare(5);
        Assert.Equal(5, first.ThreadCount);
        Assert.Equal(Math.Clamp(Environment.ProcessorCount / 2, 1, 5), second.ThreadCount);
        WorkerPool.ReturnShare(first);
        WorkerPool.ReturnShare(second);
        Assert.Equal(0, session.Workspaces.Waiting);
    }

    [Fact]
    public void Calls_at_once_cost_an_arena_each_and_no_weights()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor image = MicroModel.Images(model, 1, seed: 1), logits = new([1, model.Config.Classes]);
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 });
        long arena = session.Plan.Layout.Bytes + (session.Plan.Layout.Blocks.Count * (long)IntPtr.Size);
        Collect();
        long before = AlignedMemoryHandle.LiveBytes;
        var busy = new Stack<SessionWorkspace>();
        while (busy.Count < CpuEngine.MostCalls)
        {
            busy.Push(session.Workspaces.Rent(CancellationToken.None));
            Assert.Equal((busy.Count - 1) * arena, AlignedMemoryHandle.LiveBytes - before);
            busy.Peek().Run(image.Span, logits.Span, WorkerPool.Rent(1), CancellationToken.None);
            Assert.Equal(busy.Count * arena, AlignedMemoryHandle.LiveBytes - before);
        }
        while (busy.TryPop(out SessionWorkspace? workspace))
            session.Workspaces.Return(workspace);
        for (int i = 0; i < 10; i++)
            session.Run(image);
        Assert.Equal(CpuEngine.MostCalls * arena, AlignedMemoryHandle.LiveBytes - before);
    }

    private int _right;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Drop(VisionModel model, FloatTensor images, FloatTensor expected)
    {
        InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 3 });
        TensorAssert.Same(expected, session.Run(images));
        return new WeakReference(session);
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>The worker threads of the process; 0 where they cannot be told apart.</summary>
    private static int Workers() => !OperatingSystem.IsLinux()
        ? 0
        : Directory.GetDirectories("/proc/self/task").Count(task =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(task, "comm"))
                    .StartsWith("Bitis worker", StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false; // it ended meanwhile
            }
        });
}
