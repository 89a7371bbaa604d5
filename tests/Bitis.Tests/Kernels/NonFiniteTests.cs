using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Kernels;

/// <summary>
/// What the definitions make of NaN, infinities and extremes; <see cref="KernelFormsTests"/> feeds them to the kernels.
/// </summary>
public sealed class NonFiniteTests
{
    [Fact]
    public void Nan_is_the_lowest_level_and_infinities_are_those_at_the_ends()
    {
        UniformQuantizer signed = UniformQuantizer.Symmetric(4, Granularity.PerTensor, [1]);
        UniformQuantizer unsigned = UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [1], [100]);
        DeltaQuantizer delta = DeltaQuantizer.BeforeSoftplus(4, 1, -5);
        float[] special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];
        Assert.Equal([-7, 7, -7], special.Select(value => signed.Quantize(value, 0)));
        Assert.Equal([0, 255, 0], special.Select(value => unsigned.Quantize(value, 0)));
        Assert.Equal([0, 15, 0], special.Select(delta.Quantize));
        float[] values = [.. Sample.Extremes, .. Sample.Extremes], levels = new float[values.Length];
        foreach (UniformQuantizer quantizer in (UniformQuantizer[])[signed, unsigned])
        {
            quantizer.CenteredLevels(values, 0, levels);
            Assert.Equal(values.Select(value => (float)quantizer.Quantize(value, 0) - quantizer.ZeroPoints[0]), levels);
        }
        Assert.Equal(-StochasticRounding.LargestPower, StochasticRounding.ToPower(float.NaN, 1, 2));
        Assert.Equal(StochasticRounding.LargestPower, StochasticRounding.ToPower(float.PositiveInfinity, 1, 2));
        Assert.Equal(-StochasticRounding.LargestPower, StochasticRounding.ToPower(float.NegativeInfinity, 1, 2));
    }
}
