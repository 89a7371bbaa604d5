using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Both scans of a block, against their definition in float64.</summary>
public sealed class ScanTests
{
    public static TheoryData<string, int, int, int, int, int> Shapes()
    {
        var data = new TheoryData<string, int, int, int, int, int>();
        (int Images, int Tokens, int Channels, int States, int Rank)[] shapes =
            [(1, 17, 24, 16, 12), (2, 40, 70, 16, 2), (1, 1, 5, 8, 1), (1, 16, 64, 4, 24), (1, 2, 33, 16, 3)];
        foreach (GpuKernelRow<ScanShape> row in ScanKernels.Table.Rows)
        {
            foreach ((int images, int tokens, int channels, int states, int rank) in shapes)
                data.Add(row.Name, images, tokens, channels, states, rank);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Outputs_are_those_of_the_definition(
        string kernel, int images, int tokens, int channels, int states, int rank)
    {
        foreach ((bool writesLevels, bool areHalves) in ((bool, bool)[])[(false, false), (true, false), (false, true)])
        {
            float scale = writesLevels ? 1 : 0.5f;
            bool hasFactors = tokens > 16;
            var shape = new ScanShape(tokens, channels, states, rank)
            {
                OutputScale = scale,
                OutputLevels = writesLevels ? new LevelShape(250, hasFactors) : null,
                GateStride = (2 * channels) + 1,
                DeltaLevels = writesLevels ? new LevelShape(253, hasFactors) : null,
                AreHalves = areHalves,
            };
            GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows.Single(row => row.Name == kernel);
            Assert.True(row.Fits(shape));
            var data = new ScanCase(shape, images);
            double[] results = data.Run(row), expected = data.Expected();
            double norm = Math.Sqrt(expected.Average(y => y * y));
            for (int i = 0; i < results.Length; i++)
            {
                double value = writesLevels
                    ? Math.Clamp(Math.Round(
                        expected[i] * (hasFactors ? data.Factors[i % channels] : 1)
                            * data.InverseScales[i / channels % tokens])
                        + data.ZeroPoints[i / channels % tokens], 0, 250)
                    : expected[i];
                double tolerance = writesLevels ? 1 : (1e-5 * norm) + (areHalves ? Math.Abs(value) / 2000 : 0);
                Assert.InRange(results[i] - value, -tolerance, tolerance);
            }
        }
    }

    [Theory]
    [InlineData("scan-lanes-1", 8)]
    [InlineData("scan-lanes-2", 16)]
    [InlineData("scan-lanes-4", 16)]
    public void States_of_float16_are_near_the_definition(string kernel, int states)
    {
        const int Tokens = 40, Channels = 70, WarpsOfBlock = 4;
        var shape = new ScanShape(Tokens, Channels, states, Rank: 4) { HasHalfStates = true };
        GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows.Single(row => row.Name == kernel);
        Assert.True(row.Fits(shape));
        var data = new ScanCase(shape, images: 1);
        double[] results = data.Run(row), expected = data.Expected();
        double norm = Math.Sqrt(expected.Average(y => y * y));
        for (int i = 0; i < results.Length; i++)
            Assert.InRange(results[i] - expected[i], -0.02 * norm, 0.02 * norm);
        // A power serves two states.
        int lanes = kernel[^1] - '0', blocks = ((Channels * lanes) + 63) / 64;
        Assert.Equal(
            blocks * WarpsOfBlock * Tokens * states / lanes / 2,
            data.Device.Measurements.Count("ex2.approx.f16x2"));
    }

    [Theory]
    [InlineData(-20)]
    [InlineData(-10)]
    [InlineData(-4)]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(90)]
    public void Small_deltas_are_exact(float bias)
    {
        // One token, no state before it: y = Δ·u·B·C, so y says what Δ is.
        var shape = new ScanShape(Tokens: 1, Channels: 32, States: 1, Rank: 1);
        var data = new ScanCase(shape, images: 1, bias);
        double[] results = data.Run(ScanKernels.Table.Rows[0]), expected = data.Expected();
        for (int i = 0; i < results.Length; i++)
            Assert.InRange(results[i] / expected[i], 1 - 3e-6, 1 + 3e-6);
    }

    [Theory]
    [InlineData("bar.sync 0", "", 1)]
    [InlineData("bar.sync 0", "", 2)]
    [InlineData("bar.sync 0", "", 3)]
    [InlineData("bar.sync 0", "", 4)]
    [InlineData("cp.async.wait_group 1", "cp.async.wait_group 2", 1)]
    [InlineData("selp.b64", "selp.b64", 0)]
    [InlineData("ex2.approx.ftz.f32", "lg2.approx.ftz.f32", 1)]
    [InlineData("fma.rn.f32", "fma.rn.f32", 0)]
    public void Mutants_are_caught(string text, string replacement, int occurrence)
    {
        var shape = new ScanShape(Tokens: 37, Channels: 40, States: 4, Rank: 4);
        GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows[0];
        PtxKernel kernel = row.Emit(shape, PtxTarget.Sm80);
        var data = new ScanCase(shape, images: 1);
        double[] expected = data.Run(row, kernel);
        string mutant = occurrence == 0 ? kernel.Text : Mutation.Replace(kernel.Text, text, replacement, occurrence);
        bool isCaught;
        try
        {
            isCaught = !new ScanCase(shape, images: 1).Run(row, kernel with { Text = mutant }).SequenceEqual(expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.Equal(occurrence > 0, isCaught); // the text as it is has nothing to catch
    }

    [Fact]
    public void The_recurrence_has_a_budget()
    {
        const int Tokens = 64, Channels = 64, States = 16, Warps = 4;
        var shape = new ScanShape(Tokens, Channels, States, Rank: 12);
        var data = new ScanCase(shape, images: 1);
        data.Run(ScanKernels.Table.Rows[0]);
        Measurements measured = data.Device.Measurements;
        Assert.Equal(measured.IdealSharedPasses, measured.SharedPasses);
        // Of each token: a power for each state and the softplus; and one for the gate, once for both directions.
        Assert.Equal((Warps * Tokens * (States + 1)) + (Warps / 2 * Tokens), measured.Count("ex2"));
        Assert.InRange(measured.Total / (Warps * Tokens), 0, 165);
    }

    [Fact]
    public void Few_images_and_long_sequences_take_more_threads_a_channel()
    {
        using EmulatedDevice device = KernelRun.Device();
        var shape = new ScanShape(197, 384, 16, 12);
        Assert.Equal("scan-lanes-1", ScanKernels.Table.Best(device, shape, 128).Name);
        Assert.Equal("scan-lanes-4", ScanKernels.Table.Best(device, shape, 1).Name);
        Assert.Equal("scan-lanes-2", ScanKernels.Table.Best(device, shape with { Tokens = 500 }, 128).Name);
        Assert.Throws<BitisException>(() => ScanKernels.Table.Best(device, shape with { Tokens = 5000 }, 128));
    }
}
