using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class RowNormTests
{
    private const float Epsilon = 1e-5f;

    [Fact]
    public void Every_form_is_within_1e_5_of_float64_over_every_length()
    {
        for (int columns = 1; columns <= 40; columns++)
        {
            foreach (bool center in new[] { false, true })
            {
                Check(rows: 3, columns, center, withResidual: false, accumulate: false, withBias: true);
                Check(rows: 2, columns, center, withResidual: true, accumulate: true, withBias: false);
                Check(rows: 1, columns, center, withResidual: true, accumulate: false, withBias: true);
            }
        }
        Check(rows: 2, columns: 192, center: false, withResidual: true, accumulate: true, withBias: false);
    }

    [Fact]
    public void Rows_outside_the_range_stay_untouched()
    {
        foreach (RowNormKernel kernel in RowNorm.Table.Runnable)
        {
            using var values = new GuardedBuffer<float>(Sample.Floats(1, 4 * 20));
            using var weight = new GuardedBuffer<float>(Sample.Floats(2, 20));
            using var target = new GuardedBuffer<float>(4 * 20);
            var call = new RowNormCall
            {
                Columns = 20,
                Source = values.Pointer,
                SourceStride = 20,
                Target = target.Pointer,
                TargetStride = 20,
                Weight = weight.Pointer,
                Epsilon = Epsilon,
            };
            kernel.Run(in call, 1, 3);
            Assert.Equal(-1, target.Span[..20].IndexOfAnyExcept(0f));
            Assert.Equal(-1, target.Span[60..].IndexOfAnyExcept(0f));
            Assert.Equal(-1, target.Span[20..60].IndexOf(0f));
        }
    }

    private static void Check(int rows, int columns, bool center, bool withResidual, bool accumulate, bool withBias)
    {
        float[] x = Sample.Floats(columns, rows * columns, -1f, 3f);
        float[] before = Sample.Floats(columns + 1, rows * columns);
        float[] weights = Sample.Floats(3, columns), biases = Sample.Floats(4, columns);
        float[] stream = [.. x.Select((value, i) => withResidual && accumulate ? value + before[i] : value)];
        foreach (RowNormKernel kernel in RowNorm.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(x);
            using var residual = new GuardedBuffer<float>(before);
            using var weight = new GuardedBuffer<float>(weights);
            using var bias = new GuardedBuffer<float>(biases);
            using var target = new GuardedBuffer<float>(x.Length);
            var call = new RowNormCall
            {
                Columns = columns,
                Source = source.Pointer,
                SourceStride = columns,
                Residual = withResidual ? residual.Pointer : null,
                ResidualStride = columns,
                AccumulateResidual = accumulate,
                Target = target.Pointer,
                TargetStride = columns,
                Weight = weight.Pointer,
                Bias = withBias ? bias.Pointer : null,
                Epsilon = Epsilon,
                Center = center,
            };
            kernel.Run(in call, 0, rows);
            Assert.Equal(withResidual ? stream : before, residual.Span.ToArray());
            for (int i = 0; i < x.Length; i++)
            {
                float[] row = stream[(i / columns * columns)..((i / columns * columns) + columns)];
                double mean = center ? row.Average(value => (double)value) : 0;
                double meanSquare = row.Average(value => (value - mean) * (value - mean));
                double expected = ((stream[i] - mean) / Math.Sqrt(meanSquare + Epsilon) * weights[i % columns])
                    + (withBias ? biases[i % columns] : 0);
                Assert.True(Math.Abs(target.Span[i] - expected) <= 1e-5 * (1 + Math.Abs(expected)),
                    $"{kernel}, {columns} columns at {i}: {target.Span[i]}, expected {expected}");
            }
        }
    }
}
