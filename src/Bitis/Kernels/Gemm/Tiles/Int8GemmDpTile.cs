using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>The tile of <see cref="Int8Gemm"/> for the 8-bit dot product of ARM: 8 rows × two registers.</summary>
/// <remarks>
/// The dot product takes bytes with a sign. So 128 is taken from activations, which flips their highest bit, and
/// <see cref="Offset"/> says so. An instruction multiplies all columns of a register with four values of a row, which
/// it takes from any quarter of another register. So 16 values of a row are read at once:
/// <code>
///                        w0 (columns × 4)  w1 (columns × 4)
///   a[0, k..k+3 of 16]   c00               c01
///   ...                  ...               ...
///   a[7, k..k+3 of 16]   c70               c71
///
///   per 4 groups of k    8 loads of inputs, 8 of weights, 8 flips, 64 sums of products
///   registers            16 sums + 8 inputs + 2 weights + 1 constant of 32
/// </code>
/// What is left, and rows whose groups are not neighbours, goes group by group: an input fills a register.
/// </remarks>
internal readonly unsafe struct Int8GemmDpTile : IInt8GemmTile
{
    private const int GroupBytes = 4, GroupsAtOnce = 4, Width = 4;

    /// <inheritdoc />
    public static int Rows => 8;

    /// <inheritdoc />
    public static int Columns => 2 * Width;

    /// <inheritdoc />
    public static int Offset => 128;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint stride, int rows, in GemmPanel panel, int* sums)
    {
        sbyte* weights = panel.Weights;
        int groups = panel.Groups;
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        byte* a6 = rows > 6 ? a5 + lda : a5;
        byte* a7 = rows > 7 ? a6 + lda : a6;
        Vector128<int> c00 = Vector128<int>.Zero, c01 = Vector128<int>.Zero;
        Vector128<int> c10 = Vector128<int>.Zero, c11 = Vector128<int>.Zero;
        Vector128<int> c20 = Vector128<int>.Zero, c21 = Vector128<int>.Zero;
        Vector128<int> c30 = Vector128<int>.Zero, c31 = Vector128<int>.Zero;
        Vector128<int> c40 = Vector128<int>.Zero, c41 = Vector128<int>.Zero;
        Vector128<int> c50 = Vector128<int>.Zero, c51 = Vector128<int>.Zero;
        Vector128<int> c60 = Vector128<int>.Zero, c61 = Vector128<int>.Zero;
        Vector128<int> c70 = Vector128<int>.Zero, c71 = Vector128<int>.Zero;

        nint k = 0, end = groups * stride, wholeEnd = stride == GroupBytes ? end - (end % (GroupsAtOnce * stride)) : 0;
        for (; k < wholeEnd; k += GroupsAtOnce * GroupBytes)
        {
            Vector128<sbyte> x0 = Flip(Vector128.Load(a0 + k));
            Vector128<sbyte> x1 = Flip(Vector128.Load(a1 + k));
            Vector128<sbyte> x2 = Flip(Vector128.Load(a2 + k));
            Vector128<sbyte> x3 = Flip(Vector128.Load(a3 + k));
            Vector128<sbyte> x4 = Flip(Vector128.Load(a4 + k));
            Vector128<sbyte> x5 = Flip(Vector128.Load(a5 + k));
            Vector128<sbyte> x6 = Flip(Vector128.Load(a6 + k));
            Vector128<sbyte> x7 = Flip(Vector128.Load(a7 + k));
            Vector128<sbyte> w0 = Vector128.Load(weights), w1 = Vector128.Load(weights + 16);
            AddProducts(ref c00, ref c01, w0, w1, x0, 0);
            AddProducts(ref c10, ref c11, w0, w1, x1, 0);
            AddProducts(ref c20, ref c21, w0, w1, x2, 0);
            AddProducts(ref c30, ref c31, w0, w1, x3, 0);
            AddProducts(ref c40, ref c41, w0, w1, x4, 0);
            AddProducts(ref c50, ref c51, w0, w1, x5, 0);
            AddProducts(ref c60, ref c61, w0, w1, x6, 0);
            AddProducts(ref c70, ref c71, w0, w1, x7, 0);
            w0 = Vector128.Load(weights + 32);
            w1 = Vector128.Load(weights + 48);
            AddProducts(ref c00, ref c01, w0, w1, x0, 1);
            AddProducts(ref c10, ref c11, w0, w1, x1, 1);
            AddProducts(ref c20, ref c21, w0, w1, x2, 1);
            AddProducts(ref c30, ref c31, w0, w1, x3, 1);
            AddProducts(ref c40, ref c41, w0, w1, x4, 1);
            AddProducts(ref c50, ref c51, w0, w1, x5, 1);
            AddProducts(ref c60, ref c61, w0, w1, x6, 1);
            AddProducts(ref c70, ref c71, w0, w1, x7, 1);
            w0 = Vector128.Load(weights + 64);
            w1 = Vector128.Load(weights + 80);
            AddProducts(ref c00, ref c01, w0, w1, x0, 2);
            AddProducts(ref c10, ref c11, w0, w1, x1, 2);
            AddProducts(ref c20, ref c21, w0, w1, x2, 2);
            AddProducts(ref c30, ref c31, w0, w1, x3, 2);
            AddProducts(ref c40, ref c41, w0, w1, x4, 2);
            AddProducts(ref c50, ref c51, w0, w1, x5, 2);
            AddProducts(ref c60, ref c61, w0, w1, x6, 2);
            AddProducts(ref c70, ref c71, w0, w1, x7, 2);
            w0 = Vector128.Load(weights + 96);
            w1 = Vector128.Load(weights + 112);
            AddProducts(ref c00, ref c01, w0, w1, x0, 3);
            AddProducts(ref c10, ref c11, w0, w1, x1, 3);
            AddProducts(ref c20, ref c21, w0, w1, x2, 3);
            AddProducts(ref c30, ref c31, w0, w1, x3, 3);
            AddProducts(ref c40, ref c41, w0, w1, x4, 3);
            AddProducts(ref c50, ref c51, w0, w1, x5, 3);
            AddProducts(ref c60, ref c61, w0, w1, x6, 3);
            AddProducts(ref c70, ref c71, w0, w1, x7, 3);
            weights += 128;
        }
        for (; k < end; k += stride)
        {
            Vector128<sbyte> w0 = Vector128.Load(weights), w1 = Vector128.Load(weights + 16);
            weights += 32;
            Vector128<sbyte> x = Broadcast(a0 + k);
            c00 = Dp.DotProduct(c00, w0, x);
            c01 = Dp.DotProduct(c01, w1, x);
            x = Broadcast(a1 + k);
            c10 = Dp.DotProduct(c10, w0, x);
            c11 = Dp.DotProduct(c11, w1, x);
            x = Broadcast(a2 + k);
            c20 = Dp.DotProduct(c20, w0, x);
            c21 = Dp.DotProduct(c21, w1, x);
            x = Broadcast(a3 + k);
            c30 = Dp.DotProduct(c30, w0, x);
            c31 = Dp.DotProduct(c31, w1, x);
            x = Broadcast(a4 + k);
            c40 = Dp.DotProduct(c40, w0, x);
            c41 = Dp.DotProduct(c41, w1, x);
            x = Broadcast(a5 + k);
            c50 = Dp.DotProduct(c50, w0, x);
            c51 = Dp.DotProduct(c51, w1, x);
            x = Broadcast(a6 + k);
            c60 = Dp.DotProduct(c60, w0, x);
            c61 = Dp.DotProduct(c61, w1, x);
            x = Broadcast(a7 + k);
            c70 = Dp.DotProduct(c70, w0, x);
            c71 = Dp.DotProduct(c71, w1, x);
        }

        c00.Store(sums);
        c01.Store(sums + 4);
        c10.Store(sums + 8);
        c11.Store(sums + 12);
        c20.Store(sums + 16);
        c21.Store(sums + 20);
        c30.Store(sums + 24);
        c31.Store(sums + 28);
        c40.Store(sums + 32);
        c41.Store(sums + 36);
        c50.Store(sums + 40);
        c51.Store(sums + 44);
        c60.Store(sums + 48);
        c61.Store(sums + 52);
        c70.Store(sums + 56);
        c71.Store(sums + 60);
    }

    /// <summary>Adds the products of four values of a row, which lie in a quarter of a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(
        ref Vector128<int> sums0,
        ref Vector128<int> sums1,
        Vector128<sbyte> w0,
        Vector128<sbyte> w1,
        Vector128<sbyte> x,
        [ConstantExpected(Max = (byte)3)] byte quarter)
    {
        sums0 = Dp.DotProductBySelectedQuadruplet(sums0, w0, x, quarter);
        sums1 = Dp.DotProductBySelectedQuadruplet(sums1, w1, x, quarter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Broadcast(byte* source) => Flip(Vector128.Create(*(int*)source).AsByte());

    /// <summary>Takes 128 from each byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Flip(Vector128<byte> x) => (x ^ Vector128.Create((byte)0x80)).AsSByte();
}
