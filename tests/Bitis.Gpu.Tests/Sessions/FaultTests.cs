using Bitis.Gpu.Driver;
using Bitis.Gpu.Ptx;
using Bitis.Models.Vim;

namespace Bitis.Gpu.Tests.Sessions;

/// <summary>Sessions of a device each of whose calls fails once: messages, what is freed, and the next call.</summary>
public sealed class FaultTests
{
    private static readonly VisionModel Model = VisionModel.CreateRandom(
        new VimConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Stride = 4,
            Width = 8,
            Depth = 1,
            InnerWidth = 8,
            DeltaRank = 1,
            StateSize = 2,
            Classes = 3,
        },
        seed: 11);

    private static readonly CudaDeviceInfo Info = new(0, "faulty", new ComputeCapability(8, 0), 1 << 30, "12.0");

    private static readonly FloatTensor[] Batches = [Noise(1), Noise(3)];

    /// <summary>A call that fails says so, frees everything, and leaves a session that computes.</summary>
    [Fact]
    public void Each_call_may_fail_once()
    {
        float[][] expected = Answers(new FaultyDevice.Faults(), out int calls);
        Assert.InRange(calls, 50, 500);
        var failed = new HashSet<string>();
        for (int n = 1; n <= calls; n++)
        {
            var faults = new FaultyDevice.Faults { FailAt = n };
            try
            {
                using InferenceSession session = InferenceSession.Create(Model, Options(faults));
                for (int i = 0; i < Batches.Length; i++)
                {
                    bool hadFailed = faults.Failed is not null;
                    try
                    {
                        Assert.Equal(expected[i], session.Run(Batches[i]).Span.ToArray());
                    }
                    catch (BitisException e)
                    {
                        Assert.False(hadFailed);
                        Assert.NotEqual("graph", faults.Failed); // Without it, launches run one by one.
                        Assert.Equal($"No {faults.Failed} at call {n}.", e.Message);
                        Assert.Equal(expected[i], session.Run(Batches[i]).Span.ToArray());
                    }
                }
            }
            catch (BitisException e)
            {
                Assert.Equal($"No {faults.Failed} at call {n}.", e.Message);
            }
            failed.Add(faults.Failed!);
            Assert.Equal(0, faults.Live);
        }
        Assert.Equal(["allocation", "copy", "graph", "kernel", "launch", "result"], failed.Order());
    }

    /// <summary>A device that is lost while a session is made is left to the CPU; later, each call says so.</summary>
    [Fact]
    public void A_device_may_be_lost_at_each_call()
    {
        _ = Answers(new FaultyDevice.Faults(), out int calls);
        using InferenceSession here = InferenceSession.Create(Model);
        float[] expected = here.Run(Batches[1]).Span.ToArray();
        int lostLater = 0;
        for (int n = 1; n <= calls; n++)
        {
            var faults = new FaultyDevice.Faults { FailAt = n, IsLost = true };
            var reports = new List<string>();
            using (InferenceSession session = InferenceSession.Create(
                Model, Options(faults) with { OnFallback = reports.Add }))
            {
                if (reports.Count > 0)
                {
                    Assert.Equal([$"No {faults.Failed} at call {n}."], reports);
                    Assert.Equal(0, faults.Live);
                    Assert.Equal("CPU", session.Device);
                    Assert.Equal(expected, session.Run(Batches[1]).Span.ToArray());
                    continue;
                }
                lostLater++;
                Exception? first = Record.Exception(() => session.Run(Batches[0]));
                Exception? second = Record.Exception(() => session.Run(Batches[1]));
                Assert.True(first is null or BitisException, $"{first}");
                Assert.IsType<BitisException>(second);
            }
            Assert.Equal(0, faults.Live);
        }
        Assert.InRange(lostLater, 4, 20);
    }

    [Fact]
    public void Making_a_session_can_be_cancelled()
    {
        using var source = new CancellationTokenSource();
        var faults = new FaultyDevice.Faults();
        var gpu = new NvidiaGpu(Info, () =>
        {
            source.Cancel();
            return new FaultyDevice(faults);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => InferenceSession.Create(
            Model, new GpuOptions { Gpu = gpu, OnFallback = Assert.Fail }, source.Token));
        Assert.InRange(faults.Calls, 0, 10);
        Assert.Equal(0, faults.Live);
    }

    /// <summary>Calls give their answer, or say that the session is gone or the call was cancelled.</summary>
    [Fact]
    public async Task A_session_may_be_disposed_of_while_calls_run()
    {
        const int Calls = 6;
        float[][] expected = Answers(new FaultyDevice.Faults(), out _);
        var faults = new FaultyDevice.Faults();
        InferenceSession session = InferenceSession.Create(Model, Options(faults));
        using var source = new CancellationTokenSource();
        using var started = new CountdownEvent(Calls);
        Task<string>[] calls = [.. Enumerable.Range(0, Calls).Select(i => Task.Factory.StartNew(
            () =>
            {
                started.Signal();
                try
                {
                    while (true)
                    {
                        FloatTensor answer = session.Run(
                            Batches[i % 2], i % 3 == 0 ? source.Token : CancellationToken.None);
                        Assert.Equal(expected[i % 2], answer.Span.ToArray());
                    }
                }
                catch (OperationCanceledException)
                {
                    return "cancelled";
                }
                catch (ObjectDisposedException)
                {
                    return "disposed";
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        started.Wait();
        session.Run(Batches[0]);
        await source.CancelAsync();
        session.Run(Batches[0]);
        session.Dispose();
        Assert.Equal(0, faults.Live);
        string[] ends = await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(Calls / 3, ends.Count(end => end == "cancelled"));
    }

    private static GpuOptions Options(FaultyDevice.Faults faults) =>
        new() { Gpu = new NvidiaGpu(Info, () => new FaultyDevice(faults)) };

    private static float[][] Answers(FaultyDevice.Faults faults, out int calls)
    {
        using InferenceSession session = InferenceSession.Create(Model, Options(faults));
        float[][] answers = [.. Batches.Select(batch => session.Run(batch).Span.ToArray())];
        calls = faults.Calls;
        return answers;
    }

    private static FloatTensor Noise(int images)
    {
        var random = new Random(images);
        var noise = new FloatTensor(Model.Config.InputShape.Prepend(images));
        foreach (ref float value in noise.Span)
            value = (random.NextSingle() * 4) - 2;
        return noise;
    }
}
