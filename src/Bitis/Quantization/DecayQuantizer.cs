namespace Bitis.Quantization;

/// <summary>
/// Maps discrete parameters Ā = exp(Δ·A), which lie between 0 and 1, to levels and back. Uniform levels are evenly spaced over a
/// range; those of LtSQ (QMamba's long-tailed skewness quantization) are dense near 1, where most values are:
/// <code>
///   q = clamp(round(−r·log₂((1 − Ā)/s)), 0, 2ᵇ − 1)        Ā ≈ 1 − s·2^(−q/r)
/// </code>
/// With r = 1 and s = 1, QMamba's own, a product with a level is a shift: <c>Ā·h = h − (h ≫ q)</c>.
/// </summary>
/// <param name="Bits">b.</param>
/// <param name="LevelsPerOctave">r; 0 for uniform levels.</param>
/// <param name="Scale">s for LtSQ, the distance of neighbouring levels for uniform ones.</param>
/// <param name="Lowest">The smallest uniform level's value; 0 for LtSQ.</param>
public sealed record DecayQuantizer(int Bits, int LevelsPerOctave, double Scale, double Lowest)
{
    /// <summary>Whether the levels are those of LtSQ.</summary>
    public bool IsLongTailed => LevelsPerOctave > 0;

    private int MaxLevel => (1 << Bits) - 1;

    /// <summary>Levels of LtSQ.</summary>
    public static DecayQuantizer LongTailed(int bits, int levelsPerOctave = 1, double scale = 1) => new(bits, levelsPerOctave, scale, 0);

    /// <summary>Evenly spaced levels from a low value to a high one.</summary>
    public static DecayQuantizer Uniform(int bits, double low, double high) =>
        new(bits, 0, Math.Max((high - low) / ((1 << bits) - 1), 1e-9), low);

    /// <summary>The level of a value.</summary>
    public int Quantize(double decay)
    {
        double level = IsLongTailed
            ? -LevelsPerOctave * Math.Log2(Math.Max(1 - decay, double.Epsilon) / Scale)
            : (decay - Lowest) / Scale;
        return (int)Math.Clamp(Math.Round(level), 0, MaxLevel);
    }

    /// <summary>The value of a level, from 0 to 1.</summary>
    public double Dequantize(int level) => Math.Clamp(
        IsLongTailed ? 1 - (Scale * Math.Pow(2, -(double)level / LevelsPerOctave)) : Lowest + (Scale * level), 0, 1);

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="InvalidOperationException">A value is out of its range.</exception>
    public void Validate()
    {
        bool isPossible = Bits is >= UniformQuantizer.MinBits and <= UniformQuantizer.MaxBits && LevelsPerOctave is >= 0 and <= 64
            && Scale is > 0 and <= 4 && Lowest is >= 0 and <= 1;
        if (!isPossible)
            throw new InvalidOperationException($"{this} is no grid for values from 0 to 1.");
    }
}
