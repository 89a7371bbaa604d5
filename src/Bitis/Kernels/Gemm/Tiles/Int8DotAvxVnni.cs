using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>256 bits of sums with AVX-VNNI: four products for each sum and instruction.</summary>
internal readonly unsafe struct Int8DotAvxVnni(Vector256<int> value) : IInt8Dot<Int8DotAvxVnni>
{
    private readonly Vector256<int> _value = value;

    /// <inheritdoc />
    public static int Count => 8;

    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvxVnni LoadWeights(sbyte* source, out Int8DotAvxVnni odd)
    {
        odd = default;
        return new(Vector256.Load((int*)source));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvxVnni Broadcast(byte* source, out Int8DotAvxVnni odd)
    {
        odd = default;
        return new(Vector256.Create(*(int*)source));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Int8DotAvxVnni AddProducts(
        Int8DotAvxVnni sums, Int8DotAvxVnni x, Int8DotAvxVnni xOdd, Int8DotAvxVnni w, Int8DotAvxVnni wOdd) =>
        new(AvxVnni.MultiplyWideningAndAdd(sums._value, x._value.AsByte(), w._value.AsSByte()));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Int8DotAvxVnni sums, int* target) => sums._value.Store(target);
}
