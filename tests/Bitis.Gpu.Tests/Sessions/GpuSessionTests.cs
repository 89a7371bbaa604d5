using Bitis.Execution.Planning;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Gpu.Sessions;
using Bitis.Models.Vim;

namespace Bitis.Gpu.Tests.Sessions;

/// <summary>Sessions of the library on the interpreter.</summary>
public sealed class GpuSessionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly VisionModel Model = VisionModel.CreateRandom(
        new VimConfig
        {
            ImageSize = 16,
            PatchSize = 8,
            Stride = 8,
            Width = 24,
            Depth = 2,
            InnerWidth = 48,
            DeltaRank = 2,
            Classes = 5,
        },
        seed: 11);

    [Theory]
    [InlineData(FloatPrecision.Float32, 2e-5f)]
    [InlineData(FloatPrecision.Float16, 5e-3f)]
    [InlineData(FloatPrecision.Float16States, 1e-2f)]
    public void Float_models_answer_as_on_the_CPU(FloatPrecision precision, float tolerance)
    {
        FloatTensor images = RandomImages(3);
        using InferenceSession here = InferenceSession.Create(Model);
        using InferenceSession there = InferenceSession.Create(Model, Emulated(precision));
        Assert.Equal("emulated", there.Device);
        AssertNear(here.Run(images), there.Run(images), tolerance);
    }

    [Theory]
    [InlineData(FloatPrecision.Float32)]
    [InlineData(FloatPrecision.Float16)]
    [InlineData(FloatPrecision.Float16States)]
    public void Quantized_models_answer_as_on_the_CPU(FloatPrecision precision)
    {
        FloatTensor images = RandomImages(4);
        QuantizedModel model = PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(images),
            new Recipe { Method = "minmax", Bits = BitWidths.Parse("w8a8"), Scope = Scope.Full });
        using InferenceSession here = InferenceSession.Create(model);
        using InferenceSession there = InferenceSession.Create(model, Emulated(precision));
        AssertNear(here.Run(images), there.Run(images), 0.01f);
    }

    /// <summary>A single image has a plan of its own. The other plan runs many images in pieces.</summary>
    [Fact]
    public void An_image_has_the_same_answer_alone_and_among_others()
    {
        const int Images = 19;
        FloatTensor images = RandomImages(Images);
        using InferenceSession session = InferenceSession.Create(Model, Emulated(cacheBytes: 1));
        FloatTensor together = session.Run(images);
        int length = images.Length / Images, classes = Model.Config.Classes;
        foreach (int image in (int[])[0, 15, 16, Images - 1])
        {
            var alone = new float[classes];
            session.Run(images.Span.Slice(image * length, length), alone);
            for (int i = 0; i < classes; i++)
                Assert.Equal(together.Span[(image * classes) + i], alone[i], 1e-5f);
        }
    }

    [Fact]
    public void Calls_at_the_same_time_run_one_after_the_other()
    {
        const int Calls = 6;
        using InferenceSession session = InferenceSession.Create(Model, Emulated());
        FloatTensor[] images = [.. Enumerable.Range(0, Calls).Select(i => RandomImages(1 + (i % 2), seed: i))];
        FloatTensor[] expected = [.. images.Select(image => session.Run(image))];
        var answers = new FloatTensor[Calls];
        Parallel.For(
            0, Calls, new ParallelOptions { MaxDegreeOfParallelism = Calls },
            i => answers[i] = session.Run(images[i]));
        for (int i = 0; i < Calls; i++)
            Assert.Equal(expected[i].Span.ToArray(), answers[i].Span.ToArray());
    }

    [Fact]
    public async Task Photographs_are_classified_without_blocking()
    {
        using InferenceSession session = InferenceSession.Create(Model, Emulated());
        var photo = new PixelImage(20, 17, 3, [.. Enumerable.Range(0, 20 * 17 * 3).Select(i => (byte)(i * 7))]);
        IReadOnlyList<Prediction> expected = session.Classify(photo);
        IReadOnlyList<Prediction>[] answers = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => session.ClassifyAsync(photo))).WaitAsync(Patience);
        Assert.All(answers, answer => Assert.Equal(expected, answer));
    }

    [Fact]
    public void A_call_is_cancelled_before_it_begins()
    {
        using InferenceSession session = InferenceSession.Create(Model, Emulated());
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => session.Run(RandomImages(2), source.Token));
        Assert.Equal(2, session.Run(RandomImages(2)).Shape[0]);
    }

    [Fact]
    public void A_disposed_session_frees_all_memory_and_refuses_calls()
    {
        var devices = new List<EmulatedDevice>();
        InferenceSession session = InferenceSession.Create(Model, Emulated(devices: devices));
        session.Run(RandomImages(1));
        session.Run(RandomImages(2));
        Assert.All(devices, device => Assert.True(device.Memory.Reserved > 0));
        session.Dispose();
        session.Dispose();
        Assert.Equal(0, Assert.Single(devices).Memory.Reserved);
        Assert.Throws<ObjectDisposedException>(() => session.Run(RandomImages(1)));
    }

    [Fact]
    public void The_profile_names_each_kernel()
    {
        using InferenceSession session = InferenceSession.Create(Model, Emulated());
        IReadOnlyList<OperationTime> times = session.Profile(RandomImages(1));
        Assert.Contains(times, time => time.Kind.StartsWith("scan", StringComparison.Ordinal));
        Assert.Equal(times.Count, times.Select(time => time.Node).Distinct().Count());
    }

    /// <summary>Both plans compute with the same weights: together they need little more than one of them.</summary>
    [Theory]
    [InlineData(FloatPrecision.Float32, 4)]
    [InlineData(FloatPrecision.Float16, 2)]
    public void The_weights_are_on_the_device_once(FloatPrecision precision, int bytes)
    {
        using var device = new EmulatedDevice(PtxTarget.Sm80);
        using GpuPlan one = GpuPlanBuilder.Build(
            device, Model, images: 1,
            precision == FloatPrecision.Float32 ? GpuPrecision.Floats : GpuPrecision.Halves);
        using InferenceSession session = InferenceSession.Create(Model, Emulated(precision));
        long matrices = Model.Weights.Where(weight => weight.Key.EndsWith("_proj.weight", StringComparison.Ordinal))
            .Sum(weight => (long)weight.Value.Length);
        Assert.InRange(device.ConstantBytes, matrices * bytes, device.Memory.Reserved);
        Assert.InRange(session.WeightBytes, device.ConstantBytes, device.ConstantBytes * 6 / 5);
    }

    [Theory]
    [InlineData(1L << 20, 600, 128)]
    [InlineData(50L << 20, 197 * 768, 43)]
    [InlineData(50L << 20, 197 * 3072, 16)]
    public void Images_at_once_fit_the_cache(long cacheBytes, int largest, int images)
    {
        var graph = new Graphs.GraphBuilder([1, largest]);
        Assert.Equal(images, GpuWorkspace.ImagesAtOnce(graph.Build(graph.Linear("one", graph.Input, 1)), cacheBytes));
    }

    [Fact]
    public void What_has_no_kernel_is_refused_or_left_to_the_CPU()
    {
        QuantizedModel rotated = PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(RandomImages(2)), new Recipe { Method = "quamba", Scope = Scope.Full });
        const string Reason = "The GPU has no kernel for 'layers.0.mixer.out_proj' (linear) with a rotated input.";
        BitisException e = Assert.Throws<BitisException>(() => InferenceSession.Create(rotated, Emulated()));
        Assert.StartsWith(Reason, e.Message, StringComparison.Ordinal);

        var reports = new List<string>();
        using InferenceSession session = InferenceSession.Create(
            rotated, Emulated() with { OnFallback = reports.Add });
        Assert.Equal("CPU", session.Device);
        Assert.Equal([e.Message], reports);
    }

    [Fact]
    public void A_GPU_is_used_if_there_is_one()
    {
        var reports = new List<string>();
        using InferenceSession session = InferenceSession.Create(Model, Emulated() with { OnFallback = reports.Add });
        Assert.Equal("emulated", session.Device);
        Assert.Empty(reports);
    }

    [Fact]
    public void Without_a_GPU_the_CPU_computes_and_says_so()
    {
        if (HasDriver())
            return;
        const string Reason = "This machine has no CUDA driver (libcuda or nvcuda), so there is no GPU to use.";
        Assert.Equal(Reason, Assert.Throws<BitisException>(NvidiaGpu.FindAll).Message);
        Assert.Equal(
            Reason, Assert.Throws<BitisException>(() => InferenceSession.Create(Model, new GpuOptions())).Message);
        var reports = new List<string>();
        using InferenceSession session = InferenceSession.Create(
            Model, new GpuOptions { OnFallback = reports.Add });
        Assert.Equal("CPU", session.Device);
        Assert.Equal([Reason], reports);
    }

    [Fact]
    public void Too_little_memory_frees_what_was_reserved()
    {
        var devices = new List<EmulatedDevice>();
        BitisException e = Assert.Throws<BitisException>(
            () => InferenceSession.Create(Model, Emulated(devices: devices, memoryBytes: 60_000)));
        Assert.Contains("too little free memory", e.Message);
        Assert.Equal(0, Assert.Single(devices).Memory.Reserved);
    }

    private static bool HasDriver() => System.Runtime.InteropServices.NativeLibrary.TryLoad(
        OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _);

    private static GpuOptions Emulated(
        FloatPrecision precision = FloatPrecision.Float32, long cacheBytes = 1 << 20, long memoryBytes = 1L << 30,
        List<EmulatedDevice>? devices = null)
    {
        var info = new CudaDeviceInfo(0, "emulated", new ComputeCapability(8, 0), memoryBytes, "12.0");
        var gpu = new NvidiaGpu(info, () =>
        {
            var device = new EmulatedDevice(PtxTarget.Sm80, seed: 7, cacheBytes) { MemoryBytes = memoryBytes };
            devices?.Add(device);
            return device;
        });
        return new GpuOptions { Gpu = gpu, Precision = precision };
    }

    private static FloatTensor RandomImages(int count, int seed = 3)
    {
        var random = new Random(seed);
        var images = new FloatTensor(Model.Config.InputShape.Prepend(count));
        for (int i = 0; i < images.Length; i++)
            images.Span[i] = (random.NextSingle() * 4) - 2;
        return images;
    }

    private static void AssertNear(FloatTensor expected, FloatTensor actual, float tolerance)
    {
        float largest = expected.Span.ToArray().Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual.Span[i] - expected.Span[i], -tolerance * largest, tolerance * largest);
    }
}
