namespace Bitis.Kernels.Rounding;

/// <summary>
/// Cuts rounded values off at the ends of a grid, before they become integers: infinities become the level at their
/// end, and NaN the lowest one. The kernels do the same (<c>maxps</c> and <c>minps</c> give their second operand where
/// one is NaN), so all forms agree.
/// </summary>
internal static class GridLevel
{
    /// <summary>
    /// The nearest of the numbers from <paramref name="low"/> to <paramref name="high"/>; the former for NaN.
    /// </summary>
    public static float Limit(float level, float low, float high)
    {
        float above = level > low ? level : low;
        return above < high ? above : high;
    }
}
