using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>512 bits of sums with AVX-512.</summary>
/// <remarks>
/// The 8-bit multiply-add of x86 saturates at 16 bits. So the bytes are first widened to 16 bits, the even and the odd
/// ones of each group apart. Their products are exact.
/// </remarks>
internal readonly unsafe struct Int8DotAvx512(Vector512<int> value) : IInt8Dot<Int8DotAvx512>
{
    private readonly Vector512<int> _value = value;

    /// <inheritdoc />
    public static int Count => 16;

    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx512 LoadWeights(sbyte* source, out Int8DotAvx512 odd)
    {
        Vector512<short> bytes = Vector512.Load((short*)source);
        odd = new((bytes >> 8).AsInt32());
        return new(((bytes << 8) >> 8).AsInt32());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx512 Broadcast(byte* source, out Int8DotAvx512 odd)
    {
        Vector512<ushort> bytes = Vector512.Create(*(int*)source).AsUInt16();
        odd = new((bytes >> 8).AsInt32());
        return new((bytes & Vector512.Create((ushort)0xFF)).AsInt32());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvx512 AddProducts(
        Int8DotAvx512 sums, Int8DotAvx512 x, Int8DotAvx512 xOdd, Int8DotAvx512 w, Int8DotAvx512 wOdd)
    {
        Vector512<int> even = Avx512BW.MultiplyAddAdjacent(x._value.AsInt16(), w._value.AsInt16());
        return new(sums._value + (even + Avx512BW.MultiplyAddAdjacent(xOdd._value.AsInt16(), wOdd._value.AsInt16())));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Int8DotAvx512 sums, int* target) => sums._value.Store(target);
}
