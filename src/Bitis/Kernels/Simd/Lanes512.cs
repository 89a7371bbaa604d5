using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Simd;

/// <summary>Sixteen lanes in one AVX-512 register.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> value) : ILanes<Lanes512>
{
    private readonly Vector512<float> _value = value;

    /// <summary>The register.</summary>
    public Vector512<float> Value => _value;

    /// <inheritdoc />
    public static int Count => 16;

    /// <inheritdoc />
    public static bool Has32Registers => true;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Create(float value) => new(Vector512.Create(value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBytes(byte* source) =>
        new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBytes(sbyte* source) =>
        new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadCorrected(int* sums, int* columnSums, int zero) => new(Vector512.ConvertToSingle(
        Vector512.Load(sums) - (Vector512.Load(columnSums) * Vector512.Create(zero))));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512 value, float* target) => value._value.Store(target);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes512 value, byte* target) =>
        Avx512F.ConvertToVector128Byte(Vector512.ConvertToInt32Native(value._value)).Store(target);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) =>
        new(Avx512F.FusedMultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(float* a, Lanes512 b, Lanes512 sum) =>
        new(Avx512F.FusedMultiplyAdd(Vector512.Create(*a), b._value, sum._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadFactor(float* source) => new(Vector512.Create(*source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAddFactor(Lanes512 factor, Lanes512 b, Lanes512 sum) =>
        new(Avx512F.FusedMultiplyAdd(factor._value, b._value, sum._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Max(Lanes512 a, Lanes512 b) => new(Avx512F.Max(a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Min(Lanes512 a, Lanes512 b) => new(Avx512F.Min(a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Abs(Lanes512 value) => new(Vector512.Abs(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 CopySign(Lanes512 magnitude, Lanes512 sign) =>
        new(Vector512.CopySign(magnitude._value, sign._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Round(Lanes512 value) => new(Vector512.Round(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Scale(Lanes512 value, Lanes512 exponent) =>
        new(Avx512F.Scale(value._value, exponent._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes512 value) => Vector512.Sum(value._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._value + right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._value - right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._value * right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator /(Lanes512 left, Lanes512 right) => new(left._value / right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LookUp(float* table, Lanes512 index)
    {
        // A permutation of two registers looks 32 entries up by the lower five bits; the upper two choose among four of
        // them.
        Vector512<int> i = Avx512F.ConvertToVector512Int32(index._value);
        Vector512<float> first = Avx512F.PermuteVar16x32x2(
            Vector512.LoadAligned(table), i, Vector512.LoadAligned(table + 16));
        Vector512<float> second = Avx512F.PermuteVar16x32x2(
            Vector512.LoadAligned(table + 32), i, Vector512.LoadAligned(table + 48));
        Vector512<float> third = Avx512F.PermuteVar16x32x2(
            Vector512.LoadAligned(table + 64), i, Vector512.LoadAligned(table + 80));
        Vector512<float> fourth = Avx512F.PermuteVar16x32x2(
            Vector512.LoadAligned(table + 96), i, Vector512.LoadAligned(table + 112));
        Vector512<float> isUpper = Vector512.Equals(i & Vector512.Create(32), Vector512.Create(32)).AsSingle();
        Vector512<float> lower = Vector512.ConditionalSelect(isUpper, second, first);
        Vector512<float> upper = Vector512.ConditionalSelect(isUpper, fourth, third);
        Vector512<float> isLast = Vector512.GreaterThan(i, Vector512.Create(63)).AsSingle();
        return new(Vector512.ConditionalSelect(isLast, upper, lower));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Floor(Lanes512 value) => new(Vector512.Floor(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes512 value) =>
        Lanes256.Largest(new Lanes256(Vector256.MaxNative(value._value.GetLower(), value._value.GetUpper())));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PositiveBits(Lanes512 value) =>
        (uint)Vector512.GreaterThan(value._value, Vector512<float>.Zero).ExtractMostSignificantBits();

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Select(uint bits, Lanes512 value)
    {
        Vector512<uint> bit = Vector512.Create(
            1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        return new((Vector512.Equals(Vector512.Create(bits) & bit, bit) & value._value.AsUInt32()).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Butterfly(Lanes512 value, int distance)
    {
        (Vector512<float> swapped, Vector512<float> signs) = distance switch
        {
            1 => (
                Avx512F.Shuffle(value._value, value._value, 0xB1),
                Vector512.Create(1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f, 1f, -1f)),
            2 => (
                Avx512F.Shuffle(value._value, value._value, 0x4E),
                Vector512.Create(1f, 1f, -1f, -1f, 1f, 1f, -1f, -1f, 1f, 1f, -1f, -1f, 1f, 1f, -1f, -1f)),
            4 => (
                Avx512F.Shuffle4x128(value._value, value._value, 0xB1),
                Vector512.Create(1f, 1f, 1f, 1f, -1f, -1f, -1f, -1f, 1f, 1f, 1f, 1f, -1f, -1f, -1f, -1f)),
            _ => (
                Avx512F.Shuffle4x128(value._value, value._value, 0x4E),
                Vector512.Create(1f, 1f, 1f, 1f, 1f, 1f, 1f, 1f, -1f, -1f, -1f, -1f, -1f, -1f, -1f, -1f)),
        };
        return new(Avx512F.FusedMultiplyAdd(value._value, signs, swapped)); // products with ±1 are exact
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Random(uint key, uint counter, out Lanes512 second)
    {
        Vector512<uint> x = (Vector512.Create(counter) + Vector512<uint>.Indices) ^ Vector512.Create(key);
        x = (x ^ (x >> 16)) * Vector512.Create(CounterRandom.FirstFactor);
        x = (x ^ (x >> 15)) * Vector512.Create(CounterRandom.SecondFactor);
        x ^= x >> 16;
        second = new(Vector512.ConvertToSingle((x >> 16).AsInt32()));
        return new(Vector512.ConvertToSingle((x & Vector512.Create(0xFFFFu)).AsInt32()));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lanes512 value, sbyte max, byte zeroPoint, byte* target)
    {
        Vector128<sbyte> levels = Avx512F.ConvertToVector128SByteWithSaturation(FloorToInt32(value));
        levels = Vector128.Max(Vector128.Min(levels, Vector128.Create(max)), Vector128.Create((sbyte)-max));
        (levels.AsByte() ^ Vector128.Create(zeroPoint)).Store(target);
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(
        Lanes512 a, Lanes512 b, Lanes512 c, Lanes512 d, sbyte max, byte zeroPoint, byte* target)
    {
        // In each quarter of the register: 4 of a, 4 of b, 4 of c, 4 of d, then transposed.
        Vector512<sbyte> levels = Avx512BW.PackSignedSaturate(
            Avx512BW.PackSignedSaturate(FloorToInt32(a), FloorToInt32(b)),
            Avx512BW.PackSignedSaturate(FloorToInt32(c), FloorToInt32(d)));
        levels = Vector512.Max(Vector512.Min(levels, Vector512.Create(max)), Vector512.Create((sbyte)-max));
        const ulong first = Lanes128.FirstTransposed, last = Lanes128.LastTransposed;
        Avx512BW.Shuffle(
            levels.AsByte() ^ Vector512.Create(zeroPoint),
            Vector512.Create(first, last, first, last, first, last, first, last).AsByte()).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> FloorToInt32(Lanes512 value) =>
        Avx512F.ConvertToVector512Int32(value._value, FloatRoundingMode.ToNegativeInfinity);
}
