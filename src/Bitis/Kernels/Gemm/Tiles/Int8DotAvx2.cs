using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>256 bits of sums with AVX2.</summary>
/// <remarks>
/// The 8-bit multiply-add of x86 saturates at 16 bits. So the bytes are first widened to 16 bits, the even and the odd
/// ones of each group apart. Their products are exact.
/// </remarks>
internal readonly unsafe struct Int8DotAvx2(Vector256<int> value) : IInt8Dot<Int8DotAvx2>
{
    private readonly Vector256<int> _value = value;

    /// <inheritdoc />
    public static int Count => 8;

    /// <inheritdoc />
    public static int Rows => 4;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx2 LoadWeights(sbyte* source, out Int8DotAvx2 odd)
    {
        Vector256<short> bytes = Vector256.Load((short*)source);
        odd = new((bytes >> 8).AsInt32());
        return new(((bytes << 8) >> 8).AsInt32());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx2 Broadcast(byte* source, out Int8DotAvx2 odd)
    {
        Vector256<ushort> bytes = Vector256.Create(*(int*)source).AsUInt16();
        odd = new((bytes >> 8).AsInt32());
        return new((bytes & Vector256.Create((ushort)0xFF)).AsInt32());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx2 AddProducts(
        Int8DotAvx2 sums, Int8DotAvx2 x, Int8DotAvx2 xOdd, Int8DotAvx2 w, Int8DotAvx2 wOdd)
    {
        Vector256<int> even = Avx2.MultiplyAddAdjacent(x._value.AsInt16(), w._value.AsInt16());
        return new(sums._value + (even + Avx2.MultiplyAddAdjacent(xOdd._value.AsInt16(), wOdd._value.AsInt16())));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Int8DotAvx2 sums, int* target) => sums._value.Store(target);
}
