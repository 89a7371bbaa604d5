using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>Rounds values to the symmetric grid of a gradient, −max to max.</summary>
internal static class Levels
{
    /// <summary>The least number that no integer of 32 bits is next to: 2³¹.</summary>
    public const float Beyond = 2147483648f;

    /// <summary>The largest level of a logarithmic grid: seven powers of two.</summary>
    public const int LargestPower = 64;

    /// <summary>The largest level of some bits: 7 for 4 bits, 127 for 8.</summary>
    public static int MaxLevel(int bits) => (1 << (bits - 1)) - 1;

    /// <summary>
    /// Takes two registers of values to numbers whose next integers below are their levels: the nearest integers, or, at random, the values plus
    /// numbers from [0, 1), which are levels of the right mean. A pair takes both numbers of one counter.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Round<TLanes, TStochastic>(ref TLanes first, ref TLanes second, uint key, uint counter)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
    {
        if (TStochastic.IsOn)
        {
            TLanes step = TLanes.Create(CounterRandom.HalfStep), random = TLanes.Random(key, counter, out TLanes other);
            first = TLanes.MultiplyAdd(random, step, first);
            second = TLanes.MultiplyAdd(other, step, second);
        }
        else
        {
            first = TLanes.Round(first);
            second = TLanes.Round(second);
        }
    }

    /// <summary>
    /// Rounds one value to a power of two. The mantissa is the probability of the larger neighbour: adding random bits below it
    /// carries into the exponent just as often. NaN becomes the lowest level.
    /// </summary>
    public static float RoundToPower(float u, uint key, uint counter)
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

    /// <summary>The factor that takes values of up to <paramref name="largest"/> to levels; 0 where there is nothing but zeros.</summary>
    public static float InverseScale(float largest, int maxLevel) => largest > SmallestRange ? maxLevel / largest : 0;

    /// <summary>The distance of levels; 0 where there is nothing but zeros.</summary>
    public static float Scale(float largest, int maxLevel) => largest > SmallestRange ? largest / maxLevel : 0;

    /// <summary>Below it, the inverse of the scale would not be a finite number.</summary>
    private const float SmallestRange = 1e-30f;
}
