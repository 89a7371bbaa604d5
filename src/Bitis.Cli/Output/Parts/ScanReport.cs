using Bitis.Quantization.Scans;

namespace Bitis.Cli.Output.Parts;

/// <summary>One selective scan of <c>bitis analyze</c>.</summary>
/// <param name="Name">The scan's node.</param>
/// <param name="DiscreteA">How Ā is distributed; null if nobody asked.</param>
/// <param name="HiddenState">How h moves along the tokens; null if nobody asked.</param>
internal sealed record ScanReport(string Name, DecayReport? DiscreteA, HiddenStateReport? HiddenState)
{
    /// <summary>The report of a scan.</summary>
    public static ScanReport Of(ScanStatistics scan, bool decay, bool hiddenState) => new(
        scan.Name,
        decay ? DecayReport.Of(scan) : null,
        hiddenState ? HiddenStateReport.Of(scan) : null);
}
