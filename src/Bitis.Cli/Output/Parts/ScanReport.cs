using Bitis.Quantization.Scans;

namespace Bitis.Cli.Output.Parts;

/// <summary>One selective scan of <c>bitis analyze</c>.</summary>
/// <param name="Name">The scan's node.</param>
/// <param name="DiscreteA">The distribution of Ā; null if not requested.</param>
/// <param name="HiddenState">The magnitude of h along the tokens; null if not requested.</param>
internal sealed record ScanReport(string Name, DecayReport? DiscreteA, HiddenStateReport? HiddenState)
{
    /// <summary>The report of a scan.</summary>
    public static ScanReport Of(ScanStatistics scan, bool decay, bool hiddenState) => new(
        scan.Name,
        decay ? DecayReport.Of(scan) : null,
        hiddenState ? HiddenStateReport.Of(scan) : null);
}
