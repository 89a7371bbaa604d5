using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Scans;

/// <summary>How a method quantizes what is inside of a selective scan.</summary>
/// <param name="Decay">How levels of Ā may be spread.</param>
/// <param name="LevelsPerOctave">The choices of r for levels that are not uniform.</param>
/// <param name="TimeGroups">How many groups of tokens the hidden state has scales for.</param>
/// <param name="HasOptimalGroups">Whether groups begin where that serves best; else they are of equal length.</param>
/// <param name="HasFineScales">
/// Whether there is a scale for each channel of u and h and each token of B and C, and the levels of Δ are spread
/// before its softplus, and h may be rounded with a dither: what costs nothing when the scan runs. Else each tensor has
/// one scale, and h one for each group.
/// </param>
/// <param name="InputPercentile">
/// The share of u's values, in percent, that is below the upper end of its range; null if the method's estimator
/// decides.
/// </param>
/// <param name="SearchesOutput">
/// Whether quantizers are chosen by the error of the scan's output; else by the method's estimator of ranges.
/// </param>
public sealed record ScanMethod(
    DecaySpacing Decay = DecaySpacing.Uniform,
    IReadOnlyList<int>? LevelsPerOctave = null,
    int TimeGroups = 1,
    bool HasOptimalGroups = false,
    bool HasFineScales = false,
    double? InputPercentile = null,
    bool SearchesOutput = false)
{
    /// <summary>Uniform levels, one scale for each tensor.</summary>
    public static ScanMethod Plain { get; } = new();

    /// <summary>A baseline: as plain, but with powers of two for Ā.</summary>
    public static ScanMethod Log2 { get; } = new(DecaySpacing.Logarithmic, [1]);

    /// <summary>
    /// A baseline (Quamba, Chiang et al. 2024): as plain, but with the few largest values of u cut off.
    /// </summary>
    public static ScanMethod Quamba { get; } = new(InputPercentile: 99.999);

    /// <summary>QMamba: LtSQ with whole powers of two, eight groups of tokens of equal length.</summary>
    public static ScanMethod QMamba { get; } = new(DecaySpacing.LongTailed, [1], TimeGroups: 8, SearchesOutput: true);

    /// <summary>Ours: finer levels for Ā, groups that begin where ranges change, finer scales.</summary>
    public static ScanMethod QMambaPlus { get; } =
        new(
            DecaySpacing.LongTailed, [1, 2, 3, 4, 8, 16], TimeGroups: 8, HasOptimalGroups: true, HasFineScales: true,
            SearchesOutput: true);
}
