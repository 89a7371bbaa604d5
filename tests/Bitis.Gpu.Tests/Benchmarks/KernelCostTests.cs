using Bitis.Gpu.Benchmarks;
using Bitis.Gpu.Benchmarks.Roofline;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Norms;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models.Vim;

namespace Bitis.Gpu.Tests.Benchmarks;

/// <summary>The cost model: numbers worked out by hand, and what the interpreter counts.</summary>
public sealed class KernelCostTests
{
    private static readonly Hardware H100 = Hardware.All.Single(hardware => hardware.Name == "H100");

    private static readonly VisionModel Model = VisionModel.CreateRandom(
        new VimConfig
        {
            ImageSize = 16,
            PatchSize = 4,
            Stride = 4,
            Width = 32,
            Depth = 1,
            InnerWidth = 64,
            DeltaRank = 2,
            Classes = 5,
        },
        seed: 11);

    public static TheoryData<string> Precisions => [.. BenchmarkModel.AllOf(Model).Select(model => model.Precision)];

    [Fact]
    public void A_product_reads_and_writes_each_operand_once()
    {
        const double Rows = 25_216;
        var halves = new LinearShape(192, 768, LinearNumbers.Halves, LinearOutput.Halves, HasBias: false);
        KernelCost cost = KernelCost.Of(halves, Rows);
        Assert.Equal((Rows * 192 * 2) + (768 * 192 * 2) + (Rows * 768 * 2), cost.Bytes);
        Assert.Equal(2 * Rows * 192 * 768, cost.HalfOperations);
        Assert.Equal((0, 0), (cost.LevelOperations, cost.Exponentials));

        KernelCost levels = KernelCost.Of(
            halves with { Numbers = LinearNumbers.Levels, Output = LinearOutput.Floats, InputStride = 192 }, Rows);
        Assert.Equal((Rows * 192) + (768 * 192) + (Rows * 768 * 4) + (8 * (Rows + 768)), levels.Bytes);
        Assert.Equal(cost.HalfOperations, levels.LevelOperations);
    }

    [Fact]
    public void A_scan_takes_an_exponential_a_state_or_half_a_one()
    {
        var shape = new ScanShape(Tokens: 10, Channels: 4, States: 16, Rank: 2);
        KernelCost floats = KernelCost.Of(shape, 1);
        // A softplus takes two, and the gate two for both directions. Both read u, and z and the output are there once.
        Assert.Equal(10 * 4 * ((2 * (16 + 2)) + 2), floats.Exponentials);
        Assert.Equal((10 * 4 * 4 * 4) + (10 * 2 * (2 + 32) * 4), floats.Bytes);
        KernelCost halves = KernelCost.Of(shape with { HasHalfStates = true }, 1);
        Assert.Equal(10 * 4 * ((2 * (8 + 2)) + 2), halves.Exponentials);
        Assert.Equal(floats.Bytes, halves.Bytes);

        var levels = new StateLevelShape(1, false, 255, 0, 127, 127, 0);
        KernelCost exact = KernelCost.Of(shape with { Levels = levels }, 1);
        KernelCost fast = KernelCost.Of(shape with { Levels = levels, AreHalves = true }, 1);
        Assert.Equal(10 * 4 * ((2 * 2) + 2), fast.Exponentials);
        // The CPU's polynomial needs a reciprocal, and more instructions.
        Assert.Equal(10 * 4 * ((2 * 1) + 1), exact.Exponentials);
        Assert.Equal(10 * 4 * 3 * 16, exact.Instructions - fast.Instructions);
    }

    [Fact]
    public void A_norm_updates_the_residual_stream_in_memory()
    {
        var shape = new NormShape(192, 1e-5f, IsCentered: false)
        {
            Terms = [new NormTerm(192), new NormTerm(192, IsHalf: true)],
            WritesSum = true,
            Levels = new LevelShape(255),
        };
        Assert.Equal(100 * 192 * (2 + 8 + 1), KernelCost.Of(shape, 100).Bytes);
    }

    [Fact]
    public void Layers_in_one_launch_have_weights_and_rows_of_their_own()
    {
        var shape = new LinearShape(64, 32, LinearNumbers.Halves, LinearOutput.Floats, HasBias: false);
        KernelCost one = KernelCost.Of(shape, 10), four = KernelCost.Of(shape with { Groups = 4 }, 10);
        Assert.Equal((4 * one.Bytes, 4 * one.HalfOperations), (four.Bytes, four.HalfOperations));
    }

    [Fact]
    public void Directions_in_orders_of_their_own_have_outputs_of_their_own()
    {
        var shape = new ScanShape(Tokens: 10, Channels: 4, States: 1, Rank: 2)
        {
            Arrangement = new ScanArrangement(Directions: 4, InputRows: 10, OutputRows: 10),
            HasGate = false,
        };
        KernelCost cost = KernelCost.Of(shape, 1);
        Assert.Equal((10 * 4 * (4 + 4) * 4) + (10 * 4 * (2 + 2) * 4), cost.Bytes);
        Assert.Equal(10 * 4 * 4 * (1 + 2), cost.Exponentials);
    }

    [Theory]
    [InlineData(3.35e9, 0, 0, 0, 0, 1e-3, "memory")]
    [InlineData(0, 989e9, 0, 0, 0, 1e-3, "float16 products")]
    [InlineData(1, 0, 1979e9, 0, 0, 1e-3, "8-bit products")]
    [InlineData(1, 0, 0, 132 * 1.755e9 * 16, 1, 1, "exponentials")]
    [InlineData(1, 0, 0, 1, 132 * 1.755e9 * 128, 1, "instructions")]
    public void The_slowest_part_is_the_bound(
        double bytes, double halves, double levels, double exponentials, double instructions, double seconds, string by)
    {
        (double least, string what) = H100.Bound(new KernelCost(bytes, halves, levels, exponentials, instructions));
        Assert.Equal(by, what);
        Assert.Equal(seconds, least, seconds * 1e-9);
    }

    /// <summary>A bound must not be more than what a kernel does, and should not be far below it.</summary>
    [Theory]
    [MemberData(nameof(Precisions))]
    public void No_kernel_does_less_than_the_model_says(string precision)
    {
        const int Images = 2, Lanes = PtxWriter.WarpSize;
        BenchmarkModel model = BenchmarkModel.AllOf(Model).Single(model => model.Precision == precision);
        var device = new EmulatedDevice(PtxTarget.Sm80);
        using GpuPlan plan = model.Build(device, Images);
        plan.Run(BenchmarkModel.Images(Model, Images).Span, new float[Images * 5]);
        double exponentials = 0;
        long Special() => ((string[])["ex2.", "lg2.", "rcp.", "rsqrt.", "sqrt."]).Sum(device.Measurements.Count);
        // Copies to shared memory are of 16 bytes a lane.
        long Bytes() => (device.Measurements.GlobalSectors * 32)
            + (device.Measurements.Count("cp.async.c") * Lanes * LinearShape.ChunkBytes);
        long Products(string shape) => device.Measurements.Count($"mma.sync.aligned.{shape}");
        foreach (GpuLaunch launch in plan.Launches(Images))
        {
            KernelCost? cost = KernelCost.Of(launch, Images);
            Assert.NotNull(cost);
            (long special, long bytes) = (Special(), Bytes());
            (long halves, long levels) = (Products("m16n8k16"), Products("m16n8k32"));
            device.Launch(launch);
            string name = launch.Function.Kernel.Name;
            Assert.True((Special() - special) * Lanes >= cost.Exponentials, name);
            Assert.True(Bytes() - bytes >= cost.Bytes, name);
            Assert.True((Products("m16n8k16") - halves) * 2 * 16 * 8 * 16 >= cost.HalfOperations, name);
            Assert.True((Products("m16n8k32") - levels) * 2 * 16 * 8 * 32 >= cost.LevelOperations, name);
            exponentials += cost.Exponentials;
        }
        // Both runs of the launches are counted. With few channels, four lanes compute the same softplus.
        Assert.InRange(exponentials * 2 / (Special() * Lanes), 0.2, 1);
    }

    [Fact]
    public void Hardware_is_found_by_the_driver_s_name()
    {
        Assert.Null(Hardware.Of(new EmulatedDevice(PtxTarget.Sm80)));
        Assert.Equal(Hardware.All.Count, Hardware.All.Select(hardware => hardware.Name).Distinct().Count());
    }
}
