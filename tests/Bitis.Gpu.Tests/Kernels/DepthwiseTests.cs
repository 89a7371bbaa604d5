using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Depthwise convolutions over a grid, against their definition.</summary>
public sealed class DepthwiseTests
{
    [Theory]
    [InlineData(1, 7, 9, 130, 3, false)]
    [InlineData(2, 8, 8, 24, 3, true)]
    [InlineData(1, 1, 1, 5, 3, false)]
    [InlineData(1, 5, 17, 33, 5, true)]
    [InlineData(1, 5, 17, 34, 5, true)]
    [InlineData(1, 3, 2, 7, 1, false)]
    public void Outputs_are_those_of_the_definition(
        int images, int height, int width, int channels, int side, bool areHalves)
    {
        var data = new DepthwiseCase(
            new DepthwiseShape(height, width, channels, side)
            {
                HasBias = side != 1,
                HasSilu = side != 5,
                InputStride = channels + (channels % 2 == 0 ? 4 : 3),
                AtOnce = channels % 2 == 0 ? 2 : 1,
                ReadsHalves = areHalves,
                WritesHalves = areHalves,
                Levels = [new LevelShape(240), new LevelShape(251, HasFactors: true)],
            },
            images);
        (float[] values, byte[] levels) = data.Run();
        for (int i = 0; i < values.Length; i++)
        {
            double expected = data.Expected[i];
            double tolerance = areHalves ? Math.Max(1e-5, Math.Abs(expected) / 2000) : 5e-6;
            Assert.InRange(values[i] - expected, -tolerance, tolerance);
            Assert.InRange(levels[i] - data.Level(i, expected), -1, 1);
        }
    }

    [Theory]
    [InlineData(2, 7, 9, 70, 3, true)]
    [InlineData(1, 4, 20, 9, 5, false)]
    public void Quantized_layers_have_the_bits_of_the_CPU(
        int images, int height, int width, int channels, int side, bool hasBias)
    {
        var data = new DepthwiseCase(Quantized(height, width, channels, side, hasBias), images);
        Assert.Equal(data.Expected, data.Run().Values.Select(value => (double)value));
    }

    [Theory]
    [InlineData(2, 7, 9, 70, 3)]
    [InlineData(1, 3, 5, 130, 5)]
    public void Levels_that_scans_read_have_the_bits_of_the_CPU(
        int images, int height, int width, int channels, int side)
    {
        DepthwiseShape shape = Quantized(height, width, channels, side, hasBias: true) with
        {
            WritesScanLevels = true,
            AtOnce = side == 3 ? 2 : 1,
            Levels = [new LevelShape(251, HasFactors: true)],
        };
        var data = new DepthwiseCase(shape, images);
        (float[] values, byte[] levels) = data.Run();
        Assert.Equal(
            data.Expected.Select((value, i) => data.ScanLevel(i, value)), values.Select(value => (double)value));
        for (int i = 0; i < levels.Length; i++)
            Assert.InRange(levels[i] - data.Level(i, data.Expected[i]), -1, 1);
    }

    [Theory]
    [InlineData("cvt.rni.f32.f32", "mov.f32", 1)]
    [InlineData("setp.lt.s32", "setp.le.s32", 2)]
    [InlineData("fma.rn.f32", "", 5)]
    [InlineData("mul.rn.f32", "add.rn.f32", 9)]
    [InlineData("max.f32", "min.f32", 3)]
    [InlineData("st.global.f32", "", 7)]
    [InlineData("ld.global.nc.f32", "", 12)]
    public void Mutants_are_caught(string text, string replacement, int occurrence)
    {
        var data = new DepthwiseCase(Quantized(6, 11, 20, 3, hasBias: true), images: 2);
        bool isCaught;
        try
        {
            (float[] values, _) = data.Run(kernel => kernel with
            {
                Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
            });
            isCaught = !values.Select(value => (double)value).SequenceEqual(data.Expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }

    // Without SiLU, whose approximation is not the CPU's, all bits are.
    private static DepthwiseShape Quantized(int height, int width, int channels, int side, bool hasBias) =>
        new(height, width, channels, side) { HasBias = hasBias, QuantizesInput = true };
}
