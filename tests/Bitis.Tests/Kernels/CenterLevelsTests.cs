using Bitis.Kernels.Rounding;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Kernels;

public sealed unsafe class CenterLevelsTests
{
    [Theory]
    [InlineData(0, 16, 8)]
    [InlineData(1, 1, 8)]
    [InlineData(3, 37, 4)]
    [InlineData(2, 64, 2)]
    public void Every_form_equals_the_quantizer_of_each_channel(int rows, int columns, int bits)
    {
        float[] values = Sample.Floats(1, rows * columns, -9f, 9f);
        for (int i = 0; i < values.Length; i += 5)
            values[i] = i % 2 == 0 ? 1e30f : -3e9f;
        float[] lows = Sample.Floats(2, columns, -7f, 0f), highs = Sample.Floats(3, columns, 0.1f, 7f);
        var quantizer = UniformQuantizer.ForRanges(
            bits, Granularity.PerChannel, [.. lows.Zip(highs, (low, high) => new ValueRange(low, high))]);
        var expected = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
            expected[i] = quantizer.Quantize(values[i], i % columns) - quantizer.ZeroPoints[i % columns];
        var vector = new float[values.Length];
        for (int row = 0; row < rows; row++)
            quantizer.CenteredLevels(values.AsSpan(row * columns, columns), row, vector.AsSpan(row * columns));
        Assert.Equal(expected, vector);

        float[] lowest = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)-zero)];
        float[] highest = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)(quantizer.MaxLevel - zero))];
        foreach (CenterLevelsKernel kernel in CenterLevels.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(values);
            using var target = new GuardedBuffer<float>(values.Length);
            using var inverse = new GuardedBuffer<float>(quantizer.InverseScales.ToArray());
            using var low = new GuardedBuffer<float>(lowest);
            using var high = new GuardedBuffer<float>(highest);
            var call = new CenterLevelsCall
            {
                Source = source.Pointer,
                SourceStride = columns,
                Target = target.Pointer,
                TargetStride = columns,
                Columns = columns,
                InverseScales = inverse.Pointer,
                Lowest = low.Pointer,
                Highest = high.Pointer,
            };
            kernel.Run(in call, 0, rows);
            Assert.Equal(expected, target.Span.ToArray());
        }
    }
}
