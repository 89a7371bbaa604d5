using System.Runtime.Intrinsics;

namespace Bitis.Kernels.Rounding.Planes;

/// <summary>Interleaves rows of bytes four at a time, as a product that sums over the rows takes its input.</summary>
internal static unsafe class InterleavedRows
{
    private const int GroupRows = 4;

    /// <summary>Writes byte (r, c) to <c>target[r/4, c, r%4]</c>.</summary>
    /// <remarks>What the last group has beyond the rows is arbitrary.</remarks>
    /// <param name="source"><c>[rows, columns]</c></param>
    /// <param name="stride">The distance of the source's rows in bytes.</param>
    /// <param name="rows">The rows, at least one.</param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="target">The groups.</param>
    /// <param name="groupStride">The distance of groups in bytes.</param>
    public static void Write(byte* source, nint stride, int rows, int columns, byte* target, nint groupStride)
    {
        // Four bytes of four rows in one register, transposed.
        Vector128<byte> transposed = Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        for (int row = 0; row < rows; row += GroupRows)
        {
            byte* a = source + (row * stride), b = source + (Math.Min(row + 1, rows - 1) * stride);
            byte* c = source + (Math.Min(row + 2, rows - 1) * stride);
            byte* d = source + (Math.Min(row + 3, rows - 1) * stride);
            int i = 0;
            for (; i + 4 <= columns; i += 4)
            {
                Vector128<byte> square = Vector128.Create(
                    *(uint*)(a + i), *(uint*)(b + i), *(uint*)(c + i), *(uint*)(d + i)).AsByte();
                Vector128.Shuffle(square, transposed).Store(target + (i * GroupRows));
            }
            for (; i < columns; i++)
            {
                byte* group = target + (i * GroupRows);
                (group[0], group[1], group[2], group[3]) = (a[i], b[i], c[i], d[i]);
            }
            target += groupStride;
        }
    }
}
