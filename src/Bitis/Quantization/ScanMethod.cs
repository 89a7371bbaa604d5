namespace Bitis.Quantization;

/// <summary>How a method quantizes what is inside of a selective scan.</summary>
/// <param name="IsLongTailed">Whether Ā may have LtSQ's levels, where they serve the scan's output better than uniform ones.</param>
/// <param name="LevelsPerOctave">The choices of LtSQ's r.</param>
/// <param name="TimeGroups">How many groups of tokens the hidden state has scales for.</param>
/// <param name="HasOptimalGroups">Whether groups begin where that serves best; else they are of equal length.</param>
/// <param name="IsPerChannel">Whether the hidden state's scales differ between channels, too.</param>
/// <param name="SearchesOutput">Whether scales are refined by the error of the scan's output.</param>
public sealed record ScanMethod(
    bool IsLongTailed = false,
    IReadOnlyList<int>? LevelsPerOctave = null,
    int TimeGroups = 1,
    bool HasOptimalGroups = false,
    bool IsPerChannel = false,
    bool SearchesOutput = false)
{
    /// <summary>Uniform levels, one scale for each tensor.</summary>
    public static ScanMethod Plain { get; } = new();

    /// <summary>QMamba: LtSQ with whole powers of two, eight groups of tokens of equal length.</summary>
    public static ScanMethod QMamba { get; } = new(IsLongTailed: true, [1], TimeGroups: 8, SearchesOutput: true);

    /// <summary>Ours: a finer grid for Ā, groups that begin where ranges change, a scale for each channel.</summary>
    public static ScanMethod QMambaPlus { get; } =
        new(IsLongTailed: true, [1, 2, 4, 8], TimeGroups: 8, HasOptimalGroups: true, IsPerChannel: true, SearchesOutput: true);
}
