using System.Numerics.Tensors;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Quantizers;

/// <summary>Maps real values to integers on evenly spaced levels, and back.</summary>
/// <remarks>
/// <code>
///   q = clamp(round(x · (1/s)) + z, qmin, qmax)        round half to even; 1/s computed once, in float32
///   x̂ = s · (q − z)
/// </code>
/// Each group of values (see <see cref="Granularity"/>) has its own scale s and zero point z. This formula is the
/// definition; the integer kernels compute exactly the same levels.
/// </remarks>
internal sealed class UniformQuantizer
{
    /// <summary>The fewest and the most bits that a level may have.</summary>
    public const int MinBits = 2, MaxBits = 8;

    private readonly float[] _scales;
    private readonly float[] _inverseScales;
    private readonly int[] _zeroPoints;

    private UniformQuantizer(int bits, bool isSymmetric, Granularity granularity, float[] scales, int[] zeroPoints)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, MaxBits);
        if (!Enum.IsDefined(granularity))
            throw new ArgumentException($"There is no granularity '{granularity}'.", nameof(granularity));
        if (scales.Length == 0 || scales.Any(scale => !(float.IsFinite(1 / scale) && scale > 0)))
            throw new ArgumentException("Scales must be positive numbers whose reciprocal is finite.", nameof(scales));
        Bits = bits;
        IsSymmetric = isSymmetric;
        Granularity = granularity;
        (MinLevel, MaxLevel) = LevelsOf(bits, isSymmetric);
        if (zeroPoints.Length != scales.Length || zeroPoints.Any(zero => zero < MinLevel || zero > MaxLevel))
        {
            throw new ArgumentException(
                $"Zero points must be {scales.Length} levels of {MinLevel} to {MaxLevel}.", nameof(zeroPoints));
        }

        _scales = scales;
        _inverseScales = Array.ConvertAll(scales, scale => 1 / scale);
        _zeroPoints = zeroPoints;
    }

    /// <summary>How many bits a level takes.</summary>
    public int Bits { get; }

    /// <summary>
    /// Signed levels around zero, as for weights; else unsigned levels with a zero point, as for activations.
    /// </summary>
    public bool IsSymmetric { get; }

    /// <summary>Which values share a scale.</summary>
    public Granularity Granularity { get; }

    /// <summary>The smallest level, qmin.</summary>
    public int MinLevel { get; }

    /// <summary>The largest level, qmax.</summary>
    public int MaxLevel { get; }

    /// <summary>One scale for each group.</summary>
    public ReadOnlySpan<float> Scales => _scales;

    /// <summary>The reciprocals of the scales, as float32.</summary>
    public ReadOnlySpan<float> InverseScales => _inverseScales;

    /// <summary>One zero point for each group; all 0 where symmetric.</summary>
    public ReadOnlySpan<int> ZeroPoints => _zeroPoints;

    /// <summary>Signed levels −(2ᵇ⁻¹ − 1) … 2ᵇ⁻¹ − 1, zero point 0: for weights.</summary>
    /// <exception cref="ArgumentException">A scale is not a positive, finite number.</exception>
    public static UniformQuantizer Symmetric(int bits, Granularity granularity, float[] scales) =>
        new(bits, isSymmetric: true, granularity, scales, new int[scales.Length]);

    /// <summary>Unsigned levels 0 … 2ᵇ − 1 with zero points: for activations.</summary>
    /// <exception cref="ArgumentException">
    /// A scale is not a positive, finite number, or a zero point is not a level.
    /// </exception>
    public static UniformQuantizer Asymmetric(int bits, Granularity granularity, float[] scales, int[] zeroPoints) =>
        new(bits, isSymmetric: false, granularity, scales, zeroPoints);

    /// <summary>The unsigned quantizer whose levels cover given ranges; each range is widened to contain 0.</summary>
    /// <param name="bits">Bits of a level.</param>
    /// <param name="granularity">What the ranges belong to.</param>
    /// <param name="ranges">One range for each group.</param>
    public static UniformQuantizer ForRanges(int bits, Granularity granularity, IReadOnlyList<ValueRange> ranges)
    {
        var scales = new float[ranges.Count];
        var zeroPoints = new int[ranges.Count];
        for (int i = 0; i < ranges.Count; i++)
            (scales[i], zeroPoints[i]) = AsymmetricParameters(bits, ranges[i]);
        return Asymmetric(bits, granularity, scales, zeroPoints);
    }

    /// <summary>Whether another quantizer gives the same level to every value.</summary>
    internal bool HasSameParameters(UniformQuantizer other) =>
        Bits == other.Bits && IsSymmetric == other.IsSymmetric && Granularity == other.Granularity
        && Scales.SequenceEqual(other.Scales) && ZeroPoints.SequenceEqual(other.ZeroPoints);

    /// <summary>The level of a value; of NaN, the smallest.</summary>
    public int Quantize(float value, int group) =>
        (int)Levels.Limit(MathF.Round(value * _inverseScales[group]) + _zeroPoints[group], MinLevel, MaxLevel);

    /// <summary>The value of a level.</summary>
    public float Dequantize(int level, int group) => _scales[group] * (level - _zeroPoints[group]);

    /// <summary>The group of a value of an activation.</summary>
    /// <param name="token">Its token.</param>
    /// <param name="channel">Its channel.</param>
    public int GroupOf(int token, int channel) => Granularity switch
    {
        Granularity.PerToken => token,
        Granularity.PerChannel => channel,
        _ => 0,
    };

    /// <summary>
    /// Replaces the values of a token by those that their levels stand for ("fake quantization"): x̂.
    /// </summary>
    /// <param name="values">The values, <c>[channels]</c>; per tensor, any values.</param>
    /// <param name="token">The token's position.</param>
    /// <param name="result">Where the results go; may be <paramref name="values"/> itself.</param>
    public void Simulate(ReadOnlySpan<float> values, int token, Span<float> result)
    {
        CenteredLevels(values, token, result);
        if (Granularity == Granularity.PerChannel)
            TensorPrimitives.Multiply(result[..values.Length], _scales, result);
        else
            TensorPrimitives.Multiply(result[..values.Length], _scales[GroupOf(token, 0)], result);
    }

    /// <summary>
    /// The distance of the levels of a token's values from the zero point, q − z, as float32: x̂ without the scale.
    /// </summary>
    internal void CenteredLevels(ReadOnlySpan<float> values, int token, Span<float> result)
    {
        (int first, int count) = Granularity == Granularity.PerChannel ? (0, _scales.Length) : (GroupOf(token, 0), 1);
        ReadOnlySpan<float> inverseScales = _inverseScales.AsSpan(first, count);
        SimulatedLevels.Center(values, inverseScales, _zeroPoints.AsSpan(first, count), MinLevel, MaxLevel, result);
    }

    /// <summary>The smallest and largest level.</summary>
    internal static (int Min, int Max) LevelsOf(int bits, bool isSymmetric) =>
        isSymmetric ? (1 - (1 << (bits - 1)), (1 << (bits - 1)) - 1) : (0, (1 << bits) - 1);

    /// <summary>The scale of signed levels that reach up to a magnitude.</summary>
    internal static float SymmetricScale(int bits, float magnitude) =>
        Math.Max(magnitude / LevelsOf(bits, isSymmetric: true).Max, SmallestScale);

    /// <summary>Scale and zero point of unsigned levels that cover a range.</summary>
    internal static (float Scale, int ZeroPoint) AsymmetricParameters(int bits, ValueRange range)
    {
        float low = Math.Min(range.Low, 0), high = Math.Max(range.High, 0);
        int levels = LevelsOf(bits, isSymmetric: false).Max;
        // Divided before the subtraction, so that the width of a range cannot overflow.
        float scale = Math.Max(high / levels - low / levels, SmallestScale);
        return (scale, (int)Math.Clamp(MathF.Round(-low / scale), 0, levels));
    }

    /// <summary>Keeps the reciprocal of a scale finite where all values are zero.</summary>
    private const float SmallestScale = 1e-30f;
}
