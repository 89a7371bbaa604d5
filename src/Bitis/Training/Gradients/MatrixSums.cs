using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>Sums of rows and matrices, which the reverse passes of additions are made of.</summary>
internal static unsafe class MatrixSums
{
    /// <summary>Adds the sum of a matrix's rows to a vector.</summary>
    /// <param name="matrix"><c>[rows, columns]</c></param>
    /// <param name="stride">The distance of rows in elements.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="sums"><c>[columns]</c></param>
    public static void AddColumns(float* matrix, nint stride, int rows, int columns, float* sums)
    {
        var total = new Span<float>(sums, columns);
        for (int row = 0; row < rows; row++)
            TensorPrimitives.Add(total, new ReadOnlySpan<float>(matrix + (row * stride), columns), total);
    }

    /// <summary>Copies a matrix to another place, or adds it to what is there.</summary>
    public static void Write(float* source, nint sourceStride, GradientTarget target, float* targetRows, int rows)
    {
        int columns = target.Matrix.Columns;
        for (int row = 0; row < rows; row++)
        {
            var from = new ReadOnlySpan<float>(source + (row * sourceStride), columns);
            var to = new Span<float>(targetRows + ((nint)row * target.Matrix.Stride), columns);
            if (target.Accumulate)
                TensorPrimitives.Add(to, from, to);
            else
                from.CopyTo(to);
        }
    }
}
