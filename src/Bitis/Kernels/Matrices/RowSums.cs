using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Bitis.Kernels.Matrices;

/// <summary>Sums over rows of float32 and over their squares.</summary>
internal static unsafe class RowSums
{
    /// <summary>Adds the sum of a matrix's rows to a vector.</summary>
    /// <param name="matrix"><c>[rows, columns]</c></param>
    /// <param name="stride">The distance of rows in elements.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="sums"><c>[columns]</c></param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddColumns(float* matrix, nint stride, int rows, int columns, float* sums)
    {
        // A few columns at a time, whose sums stay in registers.
        int count = Vector<float>.Count, i = 0;
        for (; i + (2 * count) <= columns; i += 2 * count)
        {
            Vector<float> left = Vector.Load(sums + i), right = Vector.Load(sums + i + count);
            float* row = matrix + i;
            for (int j = 0; j < rows; j++, row += stride)
            {
                left += Vector.Load(row);
                right += Vector.Load(row + count);
            }
            left.Store(sums + i);
            right.Store(sums + i + count);
        }
        for (; i < columns; i++)
        {
            for (int row = 0; row < rows; row++)
                sums[i] += matrix[(row * stride) + i];
        }
    }

    /// <summary>Copies a row, or adds it to what the target holds.</summary>
    /// <remarks>For rows so short that calls on spans take longer than the work.</remarks>
    /// <param name="source">The row.</param>
    /// <param name="target">Receives the row; must not overlap the source.</param>
    /// <param name="length">The number of values.</param>
    /// <param name="accumulate">Add instead of overwriting.</param>
    public static void Write(float* source, float* target, int length, bool accumulate)
    {
        int i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(source + i);
            Vector.Store(accumulate ? Vector.Load(target + i) + value : value, target + i);
        }
        for (; i < length; i++)
            target[i] = accumulate ? target[i] + source[i] : source[i];
    }

    /// <summary>The sum of squares in double precision.</summary>
    /// <remarks>
    /// Sixteen running sums, one for each position modulo 16, then those in order and the tail. Smaller registers
    /// emulate 512 bits, so the order of the additions is the same on every machine.
    /// </remarks>
    public static double OfSquares(ReadOnlySpan<float> values)
    {
        Vector512<double> lower = default, upper = default;
        ReadOnlySpan<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(values);
        foreach (Vector512<float> vector in vectors)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(vector);
            lower += low * low;
            upper += high * high;
        }
        double sum = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lower[lane];
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            sum += upper[lane];
        foreach (float value in values[(vectors.Length * Vector512<float>.Count)..])
            sum += (double)value * value;
        return sum;
    }
}
