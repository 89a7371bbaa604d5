using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

public sealed unsafe class UniformQuantizerTests
{
    [Theory]
    [InlineData(0.5f, 3)]
    [InlineData(1.5f, 5)]
    [InlineData(2.5f, 5)]
    [InlineData(-0.5f, 3)]
    [InlineData(-3.5f, 0)]
    [InlineData(12f, 15)]
    [InlineData(1e30f, 15)]
    [InlineData(-1e30f, 0)]
    public void Rounds_half_to_even_around_the_zero_point_and_clamps(float value, int level)
    {
        var quantizer = UniformQuantizer.Asymmetric(4, Granularity.PerTensor, [1f], [3]);
        Assert.Equal(level, quantizer.Quantize(value, 0));
        Assert.Equal(level - 3, quantizer.Dequantize(level, 0));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 7)]
    [InlineData(8, 127)]
    public void Signed_levels_are_as_many_on_both_sides(int bits, int largest)
    {
        var quantizer = UniformQuantizer.Symmetric(bits, Granularity.PerTensor, [1f]);
        Assert.Equal((-largest, largest), (quantizer.Quantize(-1e9f, 0), quantizer.Quantize(1e9f, 0)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Simulation_and_the_kernel_agree_with_the_formula_bit_for_bit(int bits)
    {
        var random = new SeededRandom(7);
        var quantizer = UniformQuantizer.ForRanges(bits, Granularity.PerTensor, [new(-1.3f, 2.9f)]);
        for (int length = 0; length < 70; length++)
        {
            var values = new float[length];
            foreach (ref float value in values.AsSpan())
                value = random.NextInt32(9) == 0 ? random.NextSingle(-3e38f, 3e38f) : random.NextSingle(-3, 4);
            var simulated = new float[length];
            quantizer.Simulate(values, 0, simulated);
            var levels = new byte[length];
            float inverse = quantizer.InverseScales[0];
            int zero = quantizer.ZeroPoints[0];
            fixed (float* source = values)
            fixed (byte* target = levels)
            {
                var call = new QuantizeCall
                {
                    Source = source,
                    SourceStride = length,
                    Target = target,
                    TargetStride = length,
                    Columns = length,
                    InverseScales = &inverse,
                    ZeroPoints = &zero,
                    MaxValue = quantizer.MaxLevel,
                };
                Quantize.Run(in call, 0, 1);
            }
            for (int i = 0; i < length; i++)
            {
                int level = quantizer.Quantize(values[i], 0);
                Assert.Equal(level, levels[i]);
                Assert.Equal(
                    BitConverter.SingleToInt32Bits(quantizer.Dequantize(level, 0)), BitConverter.SingleToInt32Bits(
                        simulated[i]));
            }
        }
    }

    [Theory]
    [InlineData(0f, 0f)]
    [InlineData(5f, 5f)]
    [InlineData(-5f, -5f)]
    [InlineData(0f, 1e-38f)]
    [InlineData(-1e38f, 1e38f)]
    [InlineData(2f, 3f)]
    public void Any_range_gives_a_grid_that_holds_zero_exactly_and_the_ends_nearly(float low, float high)
    {
        for (int bits = UniformQuantizer.MinBits; bits <= UniformQuantizer.MaxBits; bits++)
        {
            var quantizer = UniformQuantizer.ForRanges(bits, Granularity.PerTensor, [new(low, high)]);
            float scale = quantizer.Scales[0];
            Assert.True(float.IsFinite(scale) && float.IsFinite(1 / scale));
            float[] values = [0, low, high];
            var simulated = new float[3];
            quantizer.Simulate(values, 0, simulated);
            Assert.Equal(0, simulated[0]);
            for (int i = 1; i < 3; i++)
                Assert.InRange(Math.Abs((double)values[i] - simulated[i]), 0, scale * 0.5001);
            float[] again = [.. simulated];
            quantizer.Simulate(again, 0, again);
            Assert.Equal(simulated, again);
        }
    }

    [Fact]
    public void Refuses_grids_that_are_none()
    {
        Assert.ThrowsAny<ArgumentException>(() => UniformQuantizer.Symmetric(1, Granularity.PerTensor, [1f]));
        Assert.ThrowsAny<ArgumentException>(() => UniformQuantizer.Symmetric(9, Granularity.PerTensor, [1f]));
        foreach (float scale in (float[])[0, -1, float.NaN, 1e-40f])
            Assert.ThrowsAny<ArgumentException>(() => UniformQuantizer.Symmetric(8, Granularity.PerTensor, [scale]));
        Assert.ThrowsAny<ArgumentException>(() => UniformQuantizer.Asymmetric(4, Granularity.PerTensor, [1f], [16]));
        Assert.ThrowsAny<ArgumentException>(() => UniformQuantizer.Asymmetric(4, Granularity.PerTensor, [1f], []));
    }
}
