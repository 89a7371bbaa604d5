using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Scans;

/// <summary>How a method quantizes the inside of a selective scan.</summary>
/// <remarks>
/// With fine scales, each channel of u and h and each token of B and C has a scale. The levels of Δ are then spaced
/// before its softplus, and h may be rounded with dither. None of this costs time when the scan runs. Else each tensor
/// has one scale, and h has one for each group.
/// </remarks>
/// <param name="Decay">The spacing of the levels of Ā.</param>
/// <param name="LevelsPerOctave">The choices of r for levels that are not uniform.</param>
/// <param name="TimeGroups">The number of token groups with scales of their own for the hidden state.</param>
/// <param name="HasOptimalGroups">
/// Whether the boundaries of groups are optimized; else groups have equal length.
/// </param>
/// <param name="HasFineScales">
/// Whether scales are for channels (u, h) and tokens (B, C) instead of whole tensors and token groups.
/// </param>
/// <param name="InputPercentile">
/// The percentage of u's values below the upper end of its range; null to use the method's estimator.
/// </param>
/// <param name="SearchesOutput">
/// Whether quantizers are chosen by the error of the scan's output; else by the method's range estimator.
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

    /// <summary>A baseline: as <see cref="Plain"/>, but with powers of two for Ā.</summary>
    public static ScanMethod Log2 { get; } = new(DecaySpacing.Logarithmic, [1]);

    /// <summary>
    /// A baseline (Quamba, Chiang et al., 2024): as <see cref="Plain"/>, but the few largest values of u are clipped.
    /// </summary>
    public static ScanMethod Quamba { get; } = new(InputPercentile: 99.999);

    /// <summary>QMamba: LtSQ with powers of two, and eight groups of tokens of equal length.</summary>
    public static ScanMethod QMamba { get; } = new(DecaySpacing.LongTailed, [1], TimeGroups: 8, SearchesOutput: true);

    /// <summary>
    /// Bitis's improved QMamba: finer levels for Ā, groups that begin where ranges change, finer scales.
    /// </summary>
    public static ScanMethod QMambaPlus { get; } =
        new(
            DecaySpacing.LongTailed, [1, 2, 3, 4, 8, 16], TimeGroups: 8, HasOptimalGroups: true, HasFineScales: true,
            SearchesOutput: true);
}
