using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>Rounds gradients to levels with random numbers, so that a level is the value on average.</summary>
internal static class StochasticRounding
{
    /// <summary>The largest level that is a power of two: the seventh from 1 on.</summary>
    public const int LargestPower = 64;

    /// <summary>
    /// Prepares two registers of values for rounding: the next integers below the results are the levels.
    /// </summary>
    /// <remarks>
    /// The results are the nearest integers. In stochastic rounding, they are the values plus random numbers from [0,
    /// 1), so that the mean of the levels is right. A pair takes both numbers of one counter.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Round<TLanes, TStochastic>(ref TLanes first, ref TLanes second, uint key, uint counter)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
    {
        if (TStochastic.IsOn)
        {
            TLanes unit = TLanes.Create(CounterRandom.HalfUnit);
            TLanes random = TLanes.Random(key, counter, out TLanes other);
            first = TLanes.MultiplyAdd(random, unit, first);
            second = TLanes.MultiplyAdd(other, unit, second);
        }
        else
        {
            first = TLanes.Round(first);
            second = TLanes.Round(second);
        }
    }

    /// <summary>Rounds one value to a power of two.</summary>
    /// <remarks>
    /// The mantissa is the probability of the larger neighbour: adding random bits below it carries into the exponent
    /// just as often. NaN becomes the lowest level.
    /// </remarks>
    public static float ToPower(float u, uint key, uint counter)
    {
        if (float.IsNaN(u))
            return -LargestPower;
        uint random = CounterRandom.Bits(key, counter) >> 9; // as many bits as a mantissa
        float magnitude = MathF.Abs(u);
        float level = magnitude < 1
            ? MathF.Floor(magnitude + (random * (1f / (1 << 23))))
            : BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(magnitude) + random) & 0xFF800000);
        return MathF.CopySign(Math.Min(level, LargestPower), u);
    }
}
