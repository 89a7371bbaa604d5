using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class MeanOfRowNormsTests
{
    private const float Epsilon = 1e-5f;

    [Fact]
    public void Every_form_is_within_1e_5_of_float64_over_every_length()
    {
        for (int columns = 1; columns <= 70; columns++)
            Check(rows: 3, columns, rowMap: null);
        Check(rows: 49, columns: 192, rowMap: null);
        Check(rows: 1, columns: 5, rowMap: null);
        Check(rows: 3, columns: 21, rowMap: [2, 0, 1]);
        Check(rows: 2, columns: 40, rowMap: [3, 1]);
    }

    private static void Check(int rows, int columns, int[]? rowMap)
    {
        float[] x = Sample.Floats(columns, 4 * Math.Max(rows, 4) * columns, -1f, 3f);
        float[] weights = Sample.Floats(3, columns), biases = Sample.Floats(4, columns);
        double[] expected = new double[columns];
        for (int row = 0; row < rows; row++)
        {
            float[] values = x.AsSpan((rowMap?[row] ?? row) * columns, columns).ToArray();
            double mean = values.Average(value => (double)value);
            double scale = 1 / Math.Sqrt(values.Average(value => (value - mean) * (value - mean)) + Epsilon);
            for (int i = 0; i < columns; i++)
                expected[i] += (((values[i] - mean) * scale * weights[i]) + biases[i]) / rows;
        }
        foreach (MeanOfRowNormsKernel kernel in MeanOfRowNorms.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(x);
            using var weight = new GuardedBuffer<float>(weights);
            using var bias = new GuardedBuffer<float>(biases);
            using var target = new GuardedBuffer<float>(columns);
            fixed (int* map = rowMap)
            {
                kernel.Run(new MeanOfRowNormsCall
                {
                    Rows = rows,
                    Columns = columns,
                    Source = source.Pointer,
                    SourceStride = columns,
                    RowMap = map,
                    Weight = weight.Pointer,
                    Bias = bias.Pointer,
                    Epsilon = Epsilon,
                    Mean = target.Pointer,
                });
            }
            for (int i = 0; i < columns; i++)
            {
                Assert.True(Math.Abs(target.Span[i] - expected[i]) <= 1e-5 * (1 + Math.Abs(expected[i])),
                    $"{kernel}, {rows}×{columns} at {i}: {target.Span[i]}, expected {expected[i]}");
            }
        }
    }
}
