using System.Numerics;

namespace Bitis.Kernels.Simd;

/// <summary>A register of float32 lanes.</summary>
/// <remarks>
/// A kernel that is generic over this type is written once and compiled for each register width. Its forms perform the
/// same IEEE operations on each element. So on one machine they give the same bits. Where the hardware has no fused
/// multiply-add, all remaining forms round twice.
/// </remarks>
internal unsafe interface ILanes<TSelf> :
    IAdditionOperators<TSelf, TSelf, TSelf>,
    ISubtractionOperators<TSelf, TSelf, TSelf>,
    IMultiplyOperators<TSelf, TSelf, TSelf>,
    IDivisionOperators<TSelf, TSelf, TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>The number of lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Whether the processor has 32 registers of this width, not 16.</summary>
    static abstract bool Has32Registers { get; }

    /// <summary>All lanes hold one value.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Reads <see cref="Count"/> values; any alignment.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads <see cref="Count"/> integers of 8 bits without a sign.</summary>
    static abstract TSelf LoadBytes(byte* source);

    /// <summary>Reads <see cref="Count"/> integers of 8 bits with a sign.</summary>
    static abstract TSelf LoadBytes(sbyte* source);

    /// <summary>
    /// Reads integer accumulators and removes the activation's zero point: <c>(float)(sum[i] − zero·columnSum[i])</c>,
    /// computed in int32 and rounded once.
    /// </summary>
    static abstract TSelf LoadCorrected(int* sums, int* columnSums, int zero);

    /// <summary>Writes <see cref="Count"/> values; any alignment.</summary>
    static abstract void Store(TSelf value, float* target);

    /// <summary>Writes the values, each an integer from 0 to 255, as bytes.</summary>
    static abstract void StoreBytes(TSelf value, byte* target);

    /// <summary><c>a·b + c</c>, rounded once where the hardware can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary><c>a·b + sum</c> for one number a, rounded once where the hardware can.</summary>
    /// <remarks>AVX-512 reads the number as part of the multiply-add; a broadcast would take a register.</remarks>
    static abstract TSelf MultiplyAdd(float* a, TSelf b, TSelf sum);

    /// <summary>Reads a number for several calls of <see cref="MultiplyAddFactor"/>.</summary>
    /// <remarks>ARM multiplies a register with one lane of another. Elsewhere, the number fills a register.</remarks>
    static abstract TSelf LoadFactor(float* source);

    /// <summary><c>factor·b + sum</c>, rounded once where the hardware can.</summary>
    static abstract TSelf MultiplyAddFactor(TSelf factor, TSelf b, TSelf sum);

    /// <summary><c>a &gt; b ? a : b</c>: the second operand if either is NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary><c>a &lt; b ? a : b</c>: the second operand if either is NaN.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>The absolute values.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>The values of <paramref name="magnitude"/> with the signs of <paramref name="sign"/>.</summary>
    static abstract TSelf CopySign(TSelf magnitude, TSelf sign);

    /// <summary>The nearest integers, half to even.</summary>
    static abstract TSelf Round(TSelf value);

    /// <summary><c>value·2^exponent</c> for integral exponents from −126 to 127 and a normal result.</summary>
    static abstract TSelf Scale(TSelf value, TSelf exponent);

    /// <summary>The sum of the lanes, in a fixed order.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>The largest lane; lanes are no NaN.</summary>
    static abstract float Largest(TSelf value);

    /// <summary>The entries of a table of 128 numbers at integers from 0 to 127.</summary>
    /// <remarks>The table starts at a cache line.</remarks>
    static abstract TSelf LookUp(float* table, TSelf index);

    /// <summary>The next integers below or at the values.</summary>
    static abstract TSelf Floor(TSelf value);

    /// <summary>Bit i says whether lane i is more than 0.</summary>
    static abstract uint PositiveBits(TSelf value);

    /// <summary>
    /// The lanes whose bit is set, and 0 in the others; bits beyond <see cref="Count"/> do not matter.
    /// </summary>
    static abstract TSelf Select(uint bits, TSelf value);

    /// <summary>A stage of a Walsh-Hadamard transform across the lanes.</summary>
    /// <remarks>
    /// Lane i holds <c>x[i] + x[i + distance]</c> where the bit <paramref name="distance"/> of i is 0, and
    /// <c>x[i − distance] − x[i]</c> where it is 1.
    /// </remarks>
    /// <param name="value">x</param>
    /// <param name="distance">
    /// A power of two below <see cref="Count"/>; a constant, since it selects instructions.
    /// </param>
    static abstract TSelf Butterfly(TSelf value, int distance);

    /// <summary>
    /// <see cref="CounterRandom.Halves"/> of <paramref name="counter"/>, of the number after it, and so on.
    /// </summary>
    static abstract TSelf Random(uint key, uint counter, out TSelf second);

    /// <summary>
    /// Writes the levels of values: the next integers below or at them, cut off at <c>±max</c>, plus <paramref
    /// name="zeroPoint"/>, as bytes.
    /// </summary>
    /// <param name="value">
    /// The values. NaN, and what is 2³¹ or more, becomes the lowest level: what the processor's conversion gives.
    /// </param>
    /// <param name="max">The largest level, up to 127.</param>
    /// <param name="zeroPoint">0 or 128.</param>
    /// <param name="target">Receives the levels; any alignment.</param>
    static abstract void StoreLevels(TSelf value, sbyte max, byte zeroPoint, byte* target);

    /// <summary>
    /// As <see cref="StoreLevels(TSelf, sbyte, byte, byte*)"/>, for four registers interleaved: the levels of a[0],
    /// b[0], c[0], d[0], a[1] and so on.
    /// </summary>
    static abstract void StoreLevels(TSelf a, TSelf b, TSelf c, TSelf d, sbyte max, byte zeroPoint, byte* target);
}
