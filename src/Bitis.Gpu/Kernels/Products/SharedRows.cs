using Bitis.Gpu.Ptx;
using static Bitis.Gpu.Kernels.Products.LinearShape;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>How pieces of an operand's rows lie in shared memory, so that reads do not share banks.</summary>
/// <remarks>
/// Rows lie one after the other. 128 bytes of rows are all banks. In the r-th such group of rows, chunk c lies where
/// chunk c ^ r would, r less the multiples of a row's chunks. So eight rows of one chunk, which <c>ldmatrix</c> reads
/// at once, lie in different banks.
/// <code>
///   rows of 64 bytes            rows of 128 bytes
///   row 0, 1   0 1 2 3          row 0   0 1 2 3 4 5 6 7
///   row 2, 3   1 0 3 2          row 1   1 0 3 2 5 4 7 6
///   row 4, 5   2 3 0 1          row 2   2 3 0 1 6 7 4 5
/// </code>
/// </remarks>
/// <param name="RowBytes">The bytes of a row in a piece: 32, 64 or 128.</param>
/// <param name="SourceBytes">The bytes of a row in all pieces.</param>
internal sealed record SharedRows(int RowBytes, int SourceBytes)
{
    private const int BankBytes = 128;

    /// <summary>The chunks of a row in a piece.</summary>
    public int Chunks => RowBytes / ChunkBytes;

    /// <summary>The pieces of a row.</summary>
    public int Pieces => (SourceBytes + RowBytes - 1) / RowBytes;

    /// <summary>The address of a chunk of a row.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="memory">The address of the piece.</param>
    /// <param name="row">The row.</param>
    /// <param name="chunk">The chunk in the piece.</param>
    public Register Place(PtxWriter w, Register memory, Register row, Register chunk)
    {
        int rowsOfBanks = BankBytes / RowBytes;
        Register swizzled = w.Xor(chunk, w.And(w.ShiftRight(row, int.Log2(rowsOfBanks)), Chunks - 1));
        return w.Add(memory, w.MultiplyAdd(row, RowBytes, w.ShiftLeft(swizzled, 4)));
    }
}
