using System.Runtime.CompilerServices;
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
