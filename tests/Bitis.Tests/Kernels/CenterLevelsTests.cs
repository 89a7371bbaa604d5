using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Kernels;

public sealed class CenterLevelsTests
{
    [Theory]
    [InlineData(0, 16, 8)]
    [InlineData(1, 1, 8)]
    [InlineData(3, 37, 4)]
    [InlineData(2, 64, 2)]
    public void Every_form_equals_the_quantizer_of_each_channel(int tokens, int channels, int bits)
    {
        KernelAssert.FormsAgree(new CenterLevelsCase(tokens, channels, bits));
        KernelAssert.FormsAgree(new CenterLevelsCase(tokens, channels, bits) { HasExtremes = true });
    }

    [Fact]
    public void The_levels_of_a_row_are_those_of_its_values()
    {
        ValueRange[] ranges = [new(-3, 1), new(0, 5), new(-1, 1)];
        UniformQuantizer quantizer = UniformQuantizer.ForRanges(4, Granularity.PerChannel, ranges);
        float[] values = [-2.9f, 4.2f, 1e30f], levels = new float[3];
        quantizer.CenteredLevels(values, 0, levels);
        for (int i = 0; i < levels.Length; i++)
            Assert.Equal((float)quantizer.Quantize(values[i], i) - quantizer.ZeroPoints[i], levels[i]);
        Assert.Equal(quantizer.MaxLevel - quantizer.ZeroPoints[2], levels[2]);
    }
}
