using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Loads matrices of 8 rows of 16 bytes; lane i of eight gives the address of row i.</summary>
/// <remarks>Lane 4·row + q of the result holds the bytes 4·q to 4·q + 3 of a row.</remarks>
internal sealed class LoadMatrixInstruction(int[] rows, int address, int offset) : Instruction
{
    private const int MatrixRows = 8, RowBytes = 16, WordsOfRow = 4;

    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        int lanes = MatrixRows * rows.Length;
        uint used = lanes == Warp.Lanes ? Warp.AllLanes : (1u << lanes) - 1;
        warp.RequireRow(address, used);
        Span<uint> addresses = stackalloc uint[Warp.Lanes];
        for (int lane = 0; lane < Warp.Lanes; lane++)
            addresses[lane] = warp.Row(address)[lane] + (uint)offset;
        SharedBanks.Count(warp, addresses, used, RowBytes);
        for (int lane = 0; lane < lanes; lane++)
        {
            ReadOnlySpan<byte> bytes = warp.Block.Shared.Read(warp, lane, addresses[lane], RowBytes);
            Span<uint> target = warp.Row(rows[lane / MatrixRows]);
            for (int q = 0; q < WordsOfRow; q++)
            {
                target[(lane % MatrixRows * WordsOfRow) + q] =
                    BinaryPrimitives.ReadUInt32LittleEndian(bytes[(q * sizeof(uint))..]);
            }
        }
        foreach (int row in rows)
            warp.WrittenRows[row] = Warp.AllLanes;
    }
}

/// <summary>The product of matrices in the registers of a warp: D[16, 8] = A[16, K]·B[K, 8] + C.</summary>
/// <remarks>
/// Four lanes hold a row of A or a column of B, so the four lanes' words are the row's bytes in order. With two words,
/// the second half of K lies in the second one. The sums of lane l are those of the columns 2·(l%4) and the next.
/// <code>
///   A  a0: row l/4, first half of K     a1: row l/4 + 8, first half
///      a2: row l/4, second half         a3: row l/4 + 8, second half
///   B  b0: column l/4, first half       b1: column l/4, second half
///   C  c0, c1: row l/4                  c2, c3: row l/4 + 8
/// </code>
/// </remarks>
internal abstract class MatrixInstruction(int[] d, int[] a, int[] b, int[] c) : Instruction
{
    /// <summary>Rows of A and columns of B.</summary>
    protected const int Rows = 16, Columns = 8;

    /// <summary>The bytes of a row of A.</summary>
    protected const int RowBytes = 32;

    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        foreach (int row in (ReadOnlySpan<int>)[.. a, .. b, .. c])
            warp.RequireRow(row, mask);
        Span<byte> rows = stackalloc byte[Rows * RowBytes], columns = stackalloc byte[Columns * RowBytes];
        for (int i = 0; i < a.Length; i++)
            Gather(warp.Row(a[i]), rows[(i % 2 * Columns * RowBytes)..], i / 2);
        for (int i = 0; i < b.Length; i++)
            Gather(warp.Row(b[i]), columns, i);
        Span<uint> sums = stackalloc uint[Rows * Columns];
        for (int i = 0; i < c.Length; i++)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                sums[Place(i, lane)] = warp.Row(c[i])[lane];
        }
        Multiply(rows, columns, sums);
        for (int i = 0; i < d.Length; i++)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                warp.Row(d[i])[lane] = sums[Place(i, lane)];
            warp.WrittenRows[d[i]] = mask;
        }
    }

    /// <summary>Adds the product to sums.</summary>
    /// <param name="rows">The rows of A.</param>
    /// <param name="columns">The columns of B.</param>
    /// <param name="sums">C, which becomes D: <c>[16, 8]</c>.</param>
    protected abstract void Multiply(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> columns, Span<uint> sums);

    private static int Place(int register, int lane) =>
        (((lane / 4) + (register / 2 * 8)) * Columns) + (lane % 4 * 2) + (register % 2);

    /// <summary>Puts a register's eight rows of 16 bytes where they belong.</summary>
    private static void Gather(ReadOnlySpan<uint> lanes, Span<byte> target, int half)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(lanes);
        for (int row = 0; row < Columns; row++)
            bytes.Slice(row * (RowBytes / 2), RowBytes / 2).CopyTo(target[((row * RowBytes) + (half * 16))..]);
    }
}

/// <summary>Unsigned bytes times signed bytes; the sums are exact.</summary>
internal sealed class ByteMatrixInstruction(int[] d, int[] a, int[] b, int[] c) : MatrixInstruction(d, a, b, c)
{
    /// <inheritdoc />
    protected override void Multiply(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> columns, Span<uint> sums)
    {
        Span<int> across = stackalloc int[RowBytes * Columns];
        for (int column = 0; column < Columns; column++)
        {
            for (int k = 0; k < RowBytes; k++)
                across[(k * Columns) + column] = (sbyte)columns[(column * RowBytes) + k];
        }
        for (int row = 0; row < Rows; row++)
        {
            Span<int> target = MemoryMarshal.Cast<uint, int>(sums.Slice(row * Columns, Columns));
            Vector256<int> sum = Vector256.Create<int>(target);
            for (int k = 0; k < RowBytes; k++)
            {
                sum += Vector256.Create((int)rows[(row * RowBytes) + k])
                    * Vector256.Create<int>(across.Slice(k * Columns, Columns));
            }
            sum.CopyTo(target);
        }
    }
}

/// <summary>Halves times halves with float sums.</summary>
/// <remarks>
/// The language leaves order and rounding open. This takes the exact sum and cuts it off, which is what the hardware is
/// known to do with its last bit.
/// </remarks>
internal sealed class HalfMatrixInstruction(int[] d, int[] a, int[] b, int[] c) : MatrixInstruction(d, a, b, c)
{
    private const int Depth = RowBytes / 2;

    /// <inheritdoc />
    protected override void Multiply(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> columns, Span<uint> sums)
    {
        Span<float> left = stackalloc float[Rows * Depth], right = stackalloc float[Columns * Depth];
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(rows), left);
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(columns), right);
        for (int i = 0; i < sums.Length; i++)
        {
            double sum = BitConverter.UInt32BitsToSingle(sums[i]);
            ReadOnlySpan<float> x = left.Slice(i / Columns * Depth, Depth), y = right.Slice(i % Columns * Depth, Depth);
            for (int k = 0; k < Depth; k++)
                sum += (double)x[k] * y[k];
            float rounded = (float)sum;
            if (Math.Abs(rounded) > Math.Abs(sum) && float.IsFinite(rounded))
                rounded = sum > 0 ? MathF.BitDecrement(rounded) : MathF.BitIncrement(rounded);
            sums[i] = BitConverter.SingleToUInt32Bits(rounded);
        }
    }
}
