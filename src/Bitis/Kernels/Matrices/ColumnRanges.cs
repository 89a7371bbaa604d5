using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Matrices;

/// <summary>The range of each column of a matrix.</summary>
internal static unsafe class ColumnRanges
{
    /// <summary>Finds the smallest and the largest value of each column.</summary>
    /// <param name="matrix"><c>[rows, columns]</c></param>
    /// <param name="stride">The distance of rows in elements.</param>
    /// <param name="rows">The number of rows, at least 1.</param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="minima"><c>[columns]</c></param>
    /// <param name="maxima"><c>[columns]</c></param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Find(float* matrix, nint stride, int rows, int columns, float* minima, float* maxima)
    {
        // A few columns at a time, whose ranges stay in registers.
        int count = Vector<float>.Count, i = 0;
        for (; i + (2 * count) <= columns; i += 2 * count)
        {
            float* row = matrix + i;
            Vector<float> leftMin = Vector.Load(row), rightMin = Vector.Load(row + count);
            Vector<float> leftMax = leftMin, rightMax = rightMin;
            for (int j = 1; j < rows; j++)
            {
                row += stride;
                Vector<float> left = Vector.Load(row), right = Vector.Load(row + count);
                leftMin = Vector.MinNative(left, leftMin);
                rightMin = Vector.MinNative(right, rightMin);
                leftMax = Vector.MaxNative(left, leftMax);
                rightMax = Vector.MaxNative(right, rightMax);
            }
            leftMin.Store(minima + i);
            rightMin.Store(minima + i + count);
            leftMax.Store(maxima + i);
            rightMax.Store(maxima + i + count);
        }
        for (; i < columns; i++)
        {
            float min = matrix[i], max = min;
            for (int row = 1; row < rows; row++)
            {
                float value = matrix[(row * stride) + i];
                min = value < min ? value : min;
                max = value > max ? value : max;
            }
            (minima[i], maxima[i]) = (min, max);
        }
    }
}
