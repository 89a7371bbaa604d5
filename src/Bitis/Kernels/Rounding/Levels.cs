namespace Bitis.Kernels.Rounding;

/// <summary>The levels that values are rounded to, and their distance.</summary>
internal static class Levels
{
    /// <summary>The least number above all integers of 32 bits: 2³¹.</summary>
    public const float Beyond = 2147483648f;

    /// <summary>The largest of symmetric levels of some bits: 7 for 4 bits, 127 for 8.</summary>
    public static int MaxLevel(int bits) => (1 << (bits - 1)) - 1;

    /// <summary>
    /// The nearest of the numbers from <paramref name="low"/> to <paramref name="high"/>; the former for NaN.
    /// </summary>
    /// <remarks>
    /// Rounded values are limited before they become integers. The kernels do the same (<c>maxps</c> and <c>minps</c>
    /// give their second operand where one is NaN), so all forms agree.
    /// </remarks>
    public static float Limit(float level, float low, float high)
    {
        float above = level > low ? level : low;
        return above < high ? above : high;
    }

    /// <summary>
    /// The factor from values of up to <paramref name="largest"/> to levels; 0 if all values are zero.
    /// </summary>
    public static float InverseScale(float largest, int maxLevel) => largest > SmallestRange ? maxLevel / largest : 0;

    /// <summary>The distance of levels; 0 if all values are zero.</summary>
    public static float Scale(float largest, int maxLevel) => largest > SmallestRange ? largest / maxLevel : 0;

    /// <summary>Below it, the inverse of the scale would not be a finite number.</summary>
    private const float SmallestRange = 1e-30f;
}
