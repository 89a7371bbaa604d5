using System.Numerics.Tensors;

namespace Bitis.Execution.Gradients;

/// <summary>Transposes, copies and adds matrices.</summary>
internal static unsafe class MatrixSums
{
    /// <summary>The side of the squares in which matrices are transposed: a cache line of float32.</summary>
    private const int Square = 16;

    /// <summary>Writes a matrix with rows and columns exchanged, or adds it to what is there.</summary>
    /// <param name="source"><c>[rows, columns]</c></param>
    /// <param name="stride">The distance of the source's rows in elements.</param>
    /// <param name="rows">The rows of the source.</param>
    /// <param name="columns">The columns of the source.</param>
    /// <param name="target"><c>[columns, rows]</c>, contiguous.</param>
    /// <param name="accumulate">Add instead of overwriting.</param>
    public static void Transpose(float* source, nint stride, int rows, int columns, float* target, bool accumulate)
    {
        // Square by square, so that the lines of the target that a square touches stay in the nearest cache.
        for (int top = 0; top < rows; top += Square)
        {
            for (int left = 0; left < columns; left += Square)
                TransposeSquare(source, stride, rows, columns, target, accumulate, top, left);
        }
    }

    /// <summary>Writes a contiguous matrix with rows and columns exchanged.</summary>
    /// <param name="source"><c>[rows, columns]</c></param>
    /// <param name="columns">The columns of the source.</param>
    /// <param name="target"><c>[columns, rows]</c></param>
    public static void Transpose(ReadOnlySpan<float> source, int columns, Span<float> target)
    {
        fixed (float* from = source, to = target)
            Transpose(from, columns, source.Length / columns, columns, to, accumulate: false);
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

    private static void TransposeSquare(
        float* source, nint stride, int rows, int columns, float* target, bool accumulate, int top, int left)
    {
        int bottom = Math.Min(top + Square, rows), right = Math.Min(left + Square, columns);
        for (nint column = left; column < right; column++)
        {
            float* to = target + (column * rows), from = source + column;
            if (accumulate)
            {
                for (nint row = top; row < bottom; row++)
                    to[row] += from[row * stride];
            }
            else
            {
                for (nint row = top; row < bottom; row++)
                    to[row] = from[row * stride];
            }
        }
    }
}
