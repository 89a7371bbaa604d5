using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>Sums of rows and matrices, which the reverse passes of additions are made of.</summary>
internal static unsafe class MatrixSums
{
    /// <summary>The side of the squares in which matrices are transposed: a cache line of float32.</summary>
    private const int Square = 16;

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

    /// <summary>Writes a contiguous matrix with rows and columns exchanged, or adds it to what is there.</summary>
    /// <param name="source"><c>[rows, columns]</c></param>
    /// <param name="rows">The rows of the source.</param>
    /// <param name="columns">The columns of the source.</param>
    /// <param name="target"><c>[columns, rows]</c></param>
    /// <param name="accumulate">Add instead of overwriting.</param>
    public static void Transpose(float* source, int rows, int columns, float* target, bool accumulate)
    {
        // Square by square, so that the lines of the target that a square touches stay in the nearest cache.
        for (int top = 0; top < rows; top += Square)
        {
            for (int left = 0; left < columns; left += Square)
                TransposeSquare(source, rows, columns, target, accumulate, top, left);
        }
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

    private static void TransposeSquare(float* source, int rows, int columns, float* target, bool accumulate, int top, int left)
    {
        int bottom = Math.Min(top + Square, rows), right = Math.Min(left + Square, columns);
        for (nint column = left; column < right; column++)
        {
            float* to = target + (column * rows), from = source + column;
            if (accumulate)
            {
                for (nint row = top; row < bottom; row++)
                    to[row] += from[row * columns];
            }
            else
            {
                for (nint row = top; row < bottom; row++)
                    to[row] = from[row * columns];
            }
        }
    }
}
