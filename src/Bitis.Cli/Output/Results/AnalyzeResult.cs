using Bitis.Cli.Output.Parts;

namespace Bitis.Cli.Output.Results;

/// <summary>What <c>bitis analyze</c> found.</summary>
internal sealed record AnalyzeResult(
    string Model,
    string Images,
    int ImageCount,
    int Skipped,
    string? ClassMatch,
    IReadOnlyList<ScanReport> Scans,
    IReadOnlyList<string> Figures) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", Model),
            ("images", $"{ImageCount} of {Images}"),
            ("left out", Format.Undecodable(Skipped)),
            ("classes", ClassMatch));
        if (Scans[0].DiscreteA is not null)
        {
            report.Line();
            report.Line("discrete parameters, from 0 to 1:");
            report.Table(
                ["scan", ">skewness", .. DecayReport.Shares.Select(share => $">{100 * share:0} %")],
                Scans.Select(
                    scan =>
                        (string[])[scan.Name, $"{scan.DiscreteA!.Skewness:0.00}", .. scan.DiscreteA.Quantiles.Select(
                            value => $"{value:0.000}")]));
        }
        if (Scans[0].HiddenState is not null)
        {
            report.Line();
            report.Line("hidden states, magnitudes along the tokens in the scan's order:");
            report.Table(
                ["scan", ">first", ">middle", ">last", ">largest", ">tokens' spread", ">channels' spread"],
                Scans.Select(scan =>
                {
                    HiddenStateReport hidden = scan.HiddenState!;
                    IReadOnlyList<float> maxima = hidden.TokenMaxima;
                    return (string[])
                    [
                        scan.Name, $"{maxima[0]:G3}", $"{maxima[maxima.Count / 2]:G3}", $"{maxima[^1]:G3}",
                        $"{hidden.Largest:G3}",
                        Format.Factor(hidden.TokenSpread), Format.Factor(hidden.ChannelSpread),
                    ];
                }));
        }
        foreach (string figure in Figures)
            report.Line($"figure: {figure}");
    }
}
