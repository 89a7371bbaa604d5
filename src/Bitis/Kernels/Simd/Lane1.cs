using System.Runtime.CompilerServices;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Simd;

/// <summary>One lane: scalar code, for channels that do not fill a vector and for machines without vectors.</summary>
internal readonly unsafe struct Lane1(float value) : ILanes<Lane1>
{
    private readonly float _value = value;

    /// <inheritdoc />
    public static int Count => 1;

    /// <inheritdoc />
    public static bool Has32Registers => false;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Create(float value) => new(value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Load(float* source) => new(*source);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 LoadBytes(byte* source) => new(*source);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 LoadBytes(sbyte* source) => new(*source);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 LoadCorrected(int* sums, int* columnSums, int zero) => new(*sums - (zero * *columnSums));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lane1 value, float* target) => *target = value._value;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Lane1 value, byte* target) => *target = (byte)(int)value._value;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 MultiplyAdd(Lane1 a, Lane1 b, Lane1 c) =>
        new(float.MultiplyAddEstimate(a._value, b._value, c._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 MultiplyAdd(float* a, Lane1 b, Lane1 sum) =>
        new(float.MultiplyAddEstimate(*a, b._value, sum._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 LoadFactor(float* source) => Create(*source);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 MultiplyAddFactor(Lane1 factor, Lane1 b, Lane1 sum) => MultiplyAdd(factor, b, sum);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Max(Lane1 a, Lane1 b) => a._value > b._value ? a : b;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Min(Lane1 a, Lane1 b) => a._value < b._value ? a : b;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Abs(Lane1 value) => new(MathF.Abs(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 CopySign(Lane1 magnitude, Lane1 sign) => new(MathF.CopySign(magnitude._value, sign._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Round(Lane1 value) => new(MathF.Round(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Scale(Lane1 value, Lane1 exponent) =>
        new(value._value * BitConverter.Int32BitsToSingle(((int)exponent._value + 127) << 23));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lane1 value) => value._value;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 operator +(Lane1 left, Lane1 right) => new(left._value + right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 operator -(Lane1 left, Lane1 right) => new(left._value - right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 operator *(Lane1 left, Lane1 right) => new(left._value * right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 operator /(Lane1 left, Lane1 right) => new(left._value / right._value);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 LookUp(float* table, Lane1 index) => new(table[(int)index._value]);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Floor(Lane1 value) => new(MathF.Floor(value._value));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lane1 value) => value._value;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PositiveBits(Lane1 value) => value._value > 0 ? 1u : 0u;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Select(uint bits, Lane1 value) => (bits & 1) != 0 ? value : new(0f);

    /// <inheritdoc />
    public static Lane1 Butterfly(Lane1 value, int distance) =>
        throw new NotSupportedException("One lane has no neighbours.");

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1 Random(uint key, uint counter, out Lane1 second)
    {
        (int first, int other) = CounterRandom.Halves(key, counter);
        second = new(other);
        return new(first);
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lane1 value, sbyte max, byte zeroPoint, byte* target) =>
        *target = (byte)(zeroPoint
            + (value._value < Levels.Beyond ? Math.Clamp((int)MathF.Floor(value._value), -max, max) : -max));

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lane1 a, Lane1 b, Lane1 c, Lane1 d, sbyte max, byte zeroPoint, byte* target)
    {
        StoreLevels(a, max, zeroPoint, target);
        StoreLevels(b, max, zeroPoint, target + 1);
        StoreLevels(c, max, zeroPoint, target + 2);
        StoreLevels(d, max, zeroPoint, target + 3);
    }
}
