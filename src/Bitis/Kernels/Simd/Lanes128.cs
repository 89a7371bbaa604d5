using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Simd;

/// <summary>Four lanes in one register of the platform, through the cross-platform vectors only.</summary>
internal readonly unsafe struct Lanes128(Vector128<float> value) : ILanes<Lanes128>
{
    private readonly Vector128<float> _value = value;

    /// <inheritdoc />
    public static int Count => 4;

    /// <inheritdoc />
    public static bool Has32Registers => AdvSimd.IsSupported;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Create(float value) => new(Vector128.Create(value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* source) => new(Vector128.Load(source));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBytes(byte* source)
    {
        Vector128<ushort> words = Vector128.WidenLower(Vector128.CreateScalar(*(uint*)source).AsByte());
        return new(Vector128.ConvertToSingle(Vector128.WidenLower(words).AsInt32()));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBytes(sbyte* source)
    {
        Vector128<short> words = Vector128.WidenLower(Vector128.CreateScalar(*(uint*)source).AsSByte());
        return new(Vector128.ConvertToSingle(Vector128.WidenLower(words)));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadCorrected(int* sums, int* columnSums, int zero) => new(Vector128.ConvertToSingle(
        Vector128.Load(sums) - (Vector128.Load(columnSums) * Vector128.Create(zero))));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128 value, float* target) => value._value.Store(target);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lanes128 value, byte* target)
    {
        Vector128<short> words = Vector128.Narrow(Vector128.ConvertToInt32Native(value._value), Vector128<int>.Zero);
        *(uint*)target = Vector128.Narrow(words, words).AsUInt32().ToScalar();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 a, Lanes128 b, Lanes128 c) =>
        new(Vector128.MultiplyAddEstimate(a._value, b._value, c._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(float* a, Lanes128 b, Lanes128 sum) =>
        MultiplyAddFactor(LoadFactor(a), b, sum);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadFactor(float* source) => AdvSimd.IsSupported
        ? new(Vector128.CreateScalarUnsafe(*source))
        : Create(*source);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAddFactor(Lanes128 factor, Lanes128 b, Lanes128 sum) => AdvSimd.Arm64.IsSupported
        ? new(AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar(sum._value, b._value, factor._value, 0))
        : MultiplyAdd(factor, b, sum);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Max(Lanes128 a, Lanes128 b) => new(Vector128.ConditionalSelect(
        Vector128.GreaterThan(a._value, b._value), a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Min(Lanes128 a, Lanes128 b) => new(Vector128.ConditionalSelect(
        Vector128.LessThan(a._value, b._value), a._value, b._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Abs(Lanes128 value) => new(Vector128.Abs(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 CopySign(Lanes128 magnitude, Lanes128 sign) =>
        new(Vector128.CopySign(magnitude._value, sign._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Round(Lanes128 value) => new(Vector128.Round(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Scale(Lanes128 value, Lanes128 exponent)
    {
        Vector128<int> biased = Vector128.ConvertToInt32(exponent._value) + Vector128.Create(127);
        return new(value._value * (biased << 23).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes128 value) => Vector128.Sum(value._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._value + right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._value - right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._value * right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator /(Lanes128 left, Lanes128 right) => new(left._value / right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LookUp(float* table, Lanes128 index)
    {
        Vector128<int> i = Vector128.ConvertToInt32(index._value);
        return new(Vector128.Create(table[i[0]], table[i[1]], table[i[2]], table[i[3]]));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Floor(Lanes128 value) => new(Vector128.Floor(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes128 value)
    {
        Vector128<float> pairs = Vector128.MaxNative(
            value._value, Vector128.Shuffle(value._value, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(pairs, Vector128.Shuffle(pairs, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PositiveBits(Lanes128 value) =>
        (uint)Vector128.GreaterThan(value._value, Vector128<float>.Zero).ExtractMostSignificantBits();

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Select(uint bits, Lanes128 value)
    {
        Vector128<uint> bit = Vector128.Create(1u, 2, 4, 8);
        return new((Vector128.Equals(Vector128.Create(bits) & bit, bit) & value._value.AsUInt32()).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Butterfly(Lanes128 value, int distance)
    {
        Vector128<float> swapped = distance == 1
            ? Vector128.Shuffle(value._value, Vector128.Create(1, 0, 3, 2))
            : Vector128.Shuffle(value._value, Vector128.Create(2, 3, 0, 1));
        Vector128<int> upper = Vector128.Equals(
            Vector128<int>.Indices & Vector128.Create(distance), Vector128.Create(distance));
        return new(swapped + (value._value.AsInt32() ^ (upper << 31)).AsSingle());
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Random(uint key, uint counter, out Lanes128 second)
    {
        Vector128<uint> x = (Vector128.Create(counter) + Vector128<uint>.Indices) ^ Vector128.Create(key);
        x = (x ^ (x >> 16)) * Vector128.Create(CounterRandom.FirstFactor);
        x = (x ^ (x >> 15)) * Vector128.Create(CounterRandom.SecondFactor);
        x ^= x >> 16;
        second = new(Vector128.ConvertToSingle((x >> 16).AsInt32()));
        return new(Vector128.ConvertToSingle((x & Vector128.Create(0xFFFFu)).AsInt32()));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lanes128 value, sbyte max, byte zeroPoint, byte* target)
    {
        Vector128<short> pairs = Vector128.NarrowWithSaturation(FloorToInt32(value), Vector128<int>.Zero);
        Vector128<sbyte> levels = Vector128.NarrowWithSaturation(pairs, pairs);
        levels = Vector128.Max(Vector128.Min(levels, Vector128.Create(max)), Vector128.Create((sbyte)-max));
        *(uint*)target = (levels.AsByte() ^ Vector128.Create(zeroPoint)).AsUInt32().ToScalar();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(
        Lanes128 a, Lanes128 b, Lanes128 c, Lanes128 d, sbyte max, byte zeroPoint, byte* target)
    {
        Vector128<sbyte> levels = Vector128.NarrowWithSaturation(
            Vector128.NarrowWithSaturation(FloorToInt32(a), FloorToInt32(b)),
            Vector128.NarrowWithSaturation(FloorToInt32(c), FloorToInt32(d)));
        levels = Vector128.Max(Vector128.Min(levels, Vector128.Create(max)), Vector128.Create((sbyte)-max));
        Vector128.Shuffle(
            levels.AsByte() ^ Vector128.Create(zeroPoint),
            Vector128.Create(FirstTransposed, LastTransposed).AsByte()).Store(target);
    }

    /// <summary>The sources of the first two rows' bytes when a 4×4 matrix is transposed.</summary>
    /// <remarks>These are bytes 0, 4, 8, 12, 1, 5, 9, 13.</remarks>
    internal const ulong FirstTransposed = 0x0D09_0501_0C08_0400;

    /// <summary>The sources of the last two rows' bytes: 2, 6, 10, 14, 3, 7, 11, 15.</summary>
    internal const ulong LastTransposed = 0x0F0B_0703_0E0A_0602;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> FloorToInt32(Lanes128 value)
    {
        Vector128<int> integers = Vector128.ConvertToInt32Native(Vector128.Floor(value._value));
        // Processors without SSE saturate, and take NaN for 0.
        return Sse2.IsSupported
            ? integers
            : Vector128.ConditionalSelect(
                Vector128.LessThan(value._value, Vector128.Create(Levels.Beyond)).AsInt32(),
                integers,
                Vector128.Create(int.MinValue));
    }
}
