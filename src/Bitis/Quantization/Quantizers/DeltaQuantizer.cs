using Bitis.Kernels.Rounding;
namespace Bitis.Quantization.Quantizers;

/// <summary>Maps the time steps Δ = softplus(x) of a selective scan to unsigned levels and back.</summary>
/// <remarks>
/// Levels are evenly spaced, either over Δ itself, from 0 on, or over x: since softplus(x) ≈ e^x where x is small, the
/// latter are dense where Δ is small, in proportion to it, and there is no softplus to compute.
/// <code>
///   q = clamp(round((v − lowest) · (1/s)), 0, 2ᵇ − 1)        v = Δ or x
///   Δ ≈ unit · d[q]                                          d[q] = q, or round(softplus(lowest + s·q)/unit)
///                                                            of at most 2¹⁵ − 1
/// </code>
/// </remarks>
internal sealed class DeltaQuantizer
{
    private const int LargestMultiple = short.MaxValue;

    private DeltaQuantizer(int bits, bool isBeforeSoftplus, float scale, float lowest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, UniformQuantizer.MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, UniformQuantizer.MaxBits);
        if (!(scale > 0 && float.IsFinite(scale) && float.IsFinite(1 / scale) && Math.Abs(lowest) <= 1e6f))
        {
            throw new ArgumentException(
                $"A scale of {scale} and a lowest level of {lowest} make no levels.", nameof(scale));
        }

        Bits = bits;
        IsBeforeSoftplus = isBeforeSoftplus;
        Scale = scale;
        InverseScale = 1 / scale;
        Lowest = lowest;
        double highest = Softplus(lowest + ((double)scale * MaxLevel));
        Unit = isBeforeSoftplus ? Math.Max(highest / LargestMultiple, 1e-30) : scale;
        Multiples = [.. Enumerable.Range(0, MaxLevel + 1).Select(q => isBeforeSoftplus
            ? (short)Math.Min(Math.Round(Softplus(lowest + ((double)scale * q)) / Unit), LargestMultiple)
            : (short)q)];
    }

    /// <summary>b.</summary>
    public int Bits { get; }

    /// <summary>Whether the levels are those of x; else of Δ.</summary>
    public bool IsBeforeSoftplus { get; }

    /// <summary>s.</summary>
    public float Scale { get; }

    /// <summary>1/s, in float32.</summary>
    public float InverseScale { get; }

    /// <summary>The value of level 0.</summary>
    public float Lowest { get; }

    /// <summary>The largest level.</summary>
    public int MaxLevel => (1 << Bits) - 1;

    /// <summary>What <see cref="Multiples"/> count.</summary>
    public double Unit { get; }

    /// <summary>d, by level.</summary>
    public IReadOnlyList<short> Multiples { get; }

    /// <summary>Levels evenly spaced over Δ: 0, s, 2s, …</summary>
    /// <exception cref="ArgumentException">The scale is not a positive, finite number.</exception>
    public static DeltaQuantizer AfterSoftplus(int bits, float scale) =>
        new(bits, isBeforeSoftplus: false, scale, lowest: 0);

    /// <summary>Levels evenly spaced over x, from <paramref name="lowest"/> on.</summary>
    /// <exception cref="ArgumentException">
    /// The scale is not a positive, finite number, or the lowest level is not finite.
    /// </exception>
    public static DeltaQuantizer BeforeSoftplus(int bits, float scale, float lowest) =>
        new(bits, isBeforeSoftplus: true, scale, lowest);

    /// <summary>The level of a value: of x or Δ, whichever the levels are of. NaN has level 0.</summary>
    public int Quantize(float value) => (int)Levels.Limit(MathF.Round((value - Lowest) * InverseScale), 0, MaxLevel);

    /// <summary>Δ of a level.</summary>
    public double Dequantize(int level) => Unit * Multiples[level];

    private static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
}
