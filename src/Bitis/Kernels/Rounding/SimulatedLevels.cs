using System.Numerics;

namespace Bitis.Kernels.Rounding;

/// <summary>The levels of values as float32, for models that simulate quantization.</summary>
internal static class SimulatedLevels
{
    /// <summary><c>q − z = clamp(round(x·inverseScale) + z, min, max) − z</c>; the lowest level for NaN.</summary>
    /// <param name="values">x.</param>
    /// <param name="inverseScales">1 / scale of each value, or one for all.</param>
    /// <param name="zeroPoints">z of each value, or one for all.</param>
    /// <param name="min">The lowest level.</param>
    /// <param name="max">The highest level.</param>
    /// <param name="result">q − z; may be <paramref name="values"/>.</param>
    public static void Center(
        ReadOnlySpan<float> values,
        ReadOnlySpan<float> inverseScales,
        ReadOnlySpan<int> zeroPoints,
        float min,
        float max,
        Span<float> result)
    {
        bool isOneForAll = inverseScales.Length == 1;
        Vector<float> inverse = new(inverseScales[0]), zero = new(zeroPoints[0]), low = new(min), high = new(max);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            if (!isOneForAll)
                (inverse, zero) = (new(inverseScales[i..]), Vector.ConvertToSingle(new Vector<int>(zeroPoints[i..])));
            Vector<float> level = Vector.Round(new Vector<float>(values[i..]) * inverse) + zero;
            (Limit(level, low, high) - zero).CopyTo(result[i..]);
        }
        for (; i < values.Length; i++)
        {
            int own = isOneForAll ? 0 : i;
            float level = MathF.Round(values[i] * inverseScales[own]) + zeroPoints[own];
            result[i] = Levels.Limit(level, min, max) - zeroPoints[own];
        }
    }

    private static Vector<float> Limit(Vector<float> level, Vector<float> low, Vector<float> high)
    {
        Vector<float> above = Vector.ConditionalSelect(Vector.GreaterThan(level, low), level, low);
        return Vector.ConditionalSelect(Vector.LessThan(above, high), above, high);
    }
}
