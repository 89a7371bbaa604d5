using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Simd;

/// <summary>Eight lanes in one AVX2 register.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> value) : ILanes<Lanes256>
{
    private readonly Vector256<float> _value = value;

    /// <inheritdoc />
    public static int Count => 8;

    /// <inheritdoc />
    public static bool Has32Registers => false;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Create(float value) => new(Vector256.Create(value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* source) => new(Vector256.Load(source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBytes(byte* source) =>
        new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBytes(sbyte* source) =>
        new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source)));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadCorrected(int* sums, int* columnSums, int zero) => new(Vector256.ConvertToSingle(
        Vector256.Load(sums) - (Vector256.Load(columnSums) * Vector256.Create(zero))));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes256 value, float* target) => value._value.Store(target);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes256 value, byte* target)
    {
        Vector256<int> integers = Vector256.ConvertToInt32Native(value._value);
        Vector128<short> words = Sse2.PackSignedSaturate(integers.GetLower(), integers.GetUpper());
        *(ulong*)target = Sse2.PackUnsignedSaturate(words, words).AsUInt64().ToScalar();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c) =>
        new(Fma.MultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(float* a, Lanes256 b, Lanes256 sum) =>
        new(Fma.MultiplyAdd(Vector256.Create(*a), b._value, sum._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadFactor(float* source) => new(Vector256.Create(*source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAddFactor(Lanes256 factor, Lanes256 b, Lanes256 sum) =>
        new(Fma.MultiplyAdd(factor._value, b._value, sum._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Max(Lanes256 a, Lanes256 b) => new(Avx.Max(a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Min(Lanes256 a, Lanes256 b) => new(Avx.Min(a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Abs(Lanes256 value) => new(Vector256.Abs(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 CopySign(Lanes256 magnitude, Lanes256 sign) =>
        new(Vector256.CopySign(magnitude._value, sign._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Round(Lanes256 value) => new(Vector256.Round(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Scale(Lanes256 value, Lanes256 exponent)
    {
        Vector256<int> biased = Avx.ConvertToVector256Int32(exponent._value) + Vector256.Create(127);
        return new(value._value * (biased << 23).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes256 value) => Vector256.Sum(value._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._value + right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._value - right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._value * right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator /(Lanes256 left, Lanes256 right) => new(left._value / right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LookUp(float* table, Lanes256 index) =>
        new(Avx2.GatherVector256(table, Avx.ConvertToVector256Int32(index._value), sizeof(float)));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Floor(Lanes256 value) => new(Vector256.Floor(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes256 value) =>
        Lanes128.Largest(new Lanes128(Vector128.MaxNative(value._value.GetLower(), value._value.GetUpper())));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PositiveBits(Lanes256 value) =>
        (uint)Vector256.GreaterThan(value._value, Vector256<float>.Zero).ExtractMostSignificantBits();

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Select(uint bits, Lanes256 value)
    {
        Vector256<uint> bit = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
        return new((Vector256.Equals(Vector256.Create(bits) & bit, bit) & value._value.AsUInt32()).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Butterfly(Lanes256 value, int distance)
    {
        (Vector256<float> swapped, Vector256<float> signs) = distance switch
        {
            1 => (
                Avx.Shuffle(value._value, value._value, 0xB1),
                Vector256.Create(1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f)),
            2 => (
                Avx.Shuffle(value._value, value._value, 0x4E),
                Vector256.Create(1f, 1f, -1f, -1f, 1f, 1f, -1f, -1f)),
            _ => (
                Avx.Permute2x128(value._value, value._value, 1),
                Vector256.Create(1f, 1f, 1f, 1f, -1f, -1f, -1f, -1f)),
        };
        return new(Fma.MultiplyAdd(value._value, signs, swapped)); // products with ±1 are exact
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Random(uint key, uint counter, out Lanes256 second)
    {
        Vector256<uint> x = (Vector256.Create(counter) + Vector256<uint>.Indices) ^ Vector256.Create(key);
        x = (x ^ (x >> 16)) * Vector256.Create(CounterRandom.FirstFactor);
        x = (x ^ (x >> 15)) * Vector256.Create(CounterRandom.SecondFactor);
        x ^= x >> 16;
        second = new(Vector256.ConvertToSingle((x >> 16).AsInt32()));
        return new(Vector256.ConvertToSingle((x & Vector256.Create(0xFFFFu)).AsInt32()));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lanes256 value, sbyte max, byte zeroPoint, byte* target)
    {
        Vector256<int> integers = FloorToInt32(value);
        Vector128<short> pairs = Sse2.PackSignedSaturate(integers.GetLower(), integers.GetUpper());
        Vector128<sbyte> levels = Sse2.PackSignedSaturate(pairs, pairs);
        levels = Vector128.Max(Vector128.Min(levels, Vector128.Create(max)), Vector128.Create((sbyte)-max));
        (levels.AsByte() ^ Vector128.Create(zeroPoint)).GetLower().Store(target);
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(
        Lanes256 a, Lanes256 b, Lanes256 c, Lanes256 d, sbyte max, byte zeroPoint, byte* target)
    {
        // In each half of the register: 4 of a, 4 of b, 4 of c, 4 of d, then transposed.
        Vector256<sbyte> levels = Avx2.PackSignedSaturate(
            Avx2.PackSignedSaturate(FloorToInt32(a), FloorToInt32(b)),
            Avx2.PackSignedSaturate(FloorToInt32(c), FloorToInt32(d)));
        levels = Vector256.Max(Vector256.Min(levels, Vector256.Create(max)), Vector256.Create((sbyte)-max));
        const ulong first = Lanes128.FirstTransposed, last = Lanes128.LastTransposed;
        Avx2.Shuffle(
            levels.AsByte() ^ Vector256.Create(zeroPoint),
            Vector256.Create(first, last, first, last).AsByte()).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> FloorToInt32(Lanes256 value) =>
        Vector256.ConvertToInt32Native(Vector256.Floor(value._value));
}
