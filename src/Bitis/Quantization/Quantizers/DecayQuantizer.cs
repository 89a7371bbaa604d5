using System.Text.Json.Serialization;

namespace Bitis.Quantization.Quantizers;

/// <summary>Maps discrete parameters Ā = exp(Δ·A), which lie between 0 and 1, to levels and back.</summary>
/// <remarks>
/// <code>
///   uniform      q = clamp(round((Ā − lowest)/s), 0, 2ᵇ − 1)             Ā ≈ lowest + s·q
///   long-tailed  q = clamp(round(−r·log₂((1 − Ā)/s)), 0, 2ᵇ − 1)         Ā ≈ 1 − s·2^(−q/r)       QMamba's LtSQ
///   logarithmic  q = clamp(round(−r·log₂(Ā/s)), 0, 2ᵇ − 1)               Ā ≈ s·2^(−q/r)
/// </code>
/// With r = 1 and s = 1, QMamba's own, a product with a level of LtSQ is a shift: <c>Ā·h = h − (h ≫ q)</c>.
/// </remarks>
/// <param name="Spacing">How the levels are spread.</param>
/// <param name="Bits">b.</param>
/// <param name="LevelsPerOctave">r; 0 for uniform levels.</param>
/// <param name="Scale">s.</param>
/// <param name="Lowest">The smallest uniform level's value; 0 for the others.</param>
internal sealed record DecayQuantizer(
    [property: JsonPropertyName("grid")] DecaySpacing Spacing, int Bits, int LevelsPerOctave, double Scale,
    double Lowest)
{
    private int MaxLevel => (1 << Bits) - 1;

    /// <summary>Levels of LtSQ.</summary>
    public static DecayQuantizer LongTailed(int bits, int levelsPerOctave = 1, double scale = 1) =>
        new(DecaySpacing.LongTailed, bits, levelsPerOctave, scale, 0);

    /// <summary>Powers of two from 1 on.</summary>
    public static DecayQuantizer Logarithmic(int bits) => new(DecaySpacing.Logarithmic, bits, 1, 1, 0);

    /// <summary>Evenly spaced levels from a low value to a high one.</summary>
    public static DecayQuantizer Uniform(int bits, double low, double high) =>
        new(DecaySpacing.Uniform, bits, 0, Math.Max((high - low) / ((1 << bits) - 1), 1e-9), low);

    /// <summary>The level of a value.</summary>
    public int Quantize(double decay)
    {
        double level = Spacing switch
        {
            DecaySpacing.LongTailed => -LevelsPerOctave * Math.Log2(Math.Max(1 - decay, double.Epsilon) / Scale),
            DecaySpacing.Logarithmic => -LevelsPerOctave * Math.Log2(Math.Max(decay, double.Epsilon) / Scale),
            _ => (decay - Lowest) / Scale,
        };
        return (int)Math.Clamp(Math.Round(level), 0, MaxLevel);
    }

    /// <summary>The value of a level, from 0 to 1.</summary>
    public double Dequantize(int level)
    {
        double power = LevelsPerOctave == 0 ? 0 : Scale * Math.Pow(2, -(double)level / LevelsPerOctave);
        return Math.Clamp(
            Spacing switch
            {
                DecaySpacing.LongTailed => 1 - power,
                DecaySpacing.Logarithmic => power,
                _ => Lowest + (Scale * level),
            },
            0,
            1);
    }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="InvalidOperationException">A value is out of its range.</exception>
    public void Validate()
    {
        bool isPossible = Enum.IsDefined(Spacing) && Bits is >= UniformQuantizer.MinBits and <= UniformQuantizer.MaxBits
            && (Spacing == DecaySpacing.Uniform ? LevelsPerOctave == 0 : LevelsPerOctave is >= 1 and <= 64)
            && Scale is > 0 and <= 4 && Lowest is >= 0 and <= 1;
        if (!isPossible)
            throw new InvalidOperationException($"{this} has no levels for values from 0 to 1.");
    }
}
