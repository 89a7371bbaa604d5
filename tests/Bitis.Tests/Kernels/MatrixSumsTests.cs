using Bitis.Kernels.Matrices;

namespace Bitis.Tests.Kernels;

/// <summary>Ranges of columns and sums of outer products, against loops over single values.</summary>
public sealed unsafe class MatrixSumsTests
{
    public static TheoryData<int, int> Shapes => new() { { 1, 1 }, { 3, 7 }, { 5, 16 }, { 9, 33 }, { 20, 70 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_column_s_range_is_that_of_its_rows(int rows, int columns)
    {
        const int margin = 3;
        int stride = columns + margin;
        float[] values = Sample.Floats(rows, rows * stride);
        using var matrix = new GuardedBuffer<float>(values);
        using var minima = new GuardedBuffer<float>(new float[columns]);
        using var maxima = new GuardedBuffer<float>(new float[columns]);
        ColumnRanges.Find(matrix.Pointer, stride, rows, columns, minima.Pointer, maxima.Pointer);
        for (int column = 0; column < columns; column++)
        {
            float[] ofColumn = [.. Enumerable.Range(0, rows).Select(row => values[(row * stride) + column])];
            Assert.Equal((ofColumn.Min(), ofColumn.Max()), (minima.Span[column], maxima.Span[column]));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void An_outer_product_is_added_bit_for_bit(int rows, int columns)
    {
        float[] u = Sample.Floats(1, rows), v = Sample.Floats(2, columns), sums = Sample.Floats(3, rows * columns);
        using var left = new GuardedBuffer<float>(u);
        using var right = new GuardedBuffer<float>(v);
        using var matrix = new GuardedBuffer<float>(sums);
        OuterProducts.Add(left.Pointer, rows, right.Pointer, columns, matrix.Pointer);
        for (int i = 0; i < rows * columns; i++)
        {
            float product = u[i / columns] * v[i % columns];
            Assert.Equal(sums[i] + product, matrix.Span[i]);
        }
    }
}
