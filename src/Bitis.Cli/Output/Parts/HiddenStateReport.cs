using Bitis.Quantization.Scans;

namespace Bitis.Cli.Output.Parts;

/// <summary>
/// How the magnitude of a scan's hidden states moves along the tokens, in the order in which the scan sees them.
/// </summary>
/// <param name="Largest">The largest |h|.</param>
/// <param name="TokenSpread">The largest of the tokens' ranges over the smallest.</param>
/// <param name="ChannelSpread">
/// The same for the channels, of which the largest and the smallest percent are left out.
/// </param>
/// <param name="TokenMaxima">The largest |h| at each token.</param>
/// <param name="TokenMeans">The mean |h| at each token.</param>
internal sealed record HiddenStateReport(
    double Largest, double TokenSpread, double ChannelSpread, IReadOnlyList<float> TokenMaxima,
    IReadOnlyList<double> TokenMeans)
{
    /// <summary>The report of a scan.</summary>
    public static HiddenStateReport Of(ScanStatistics scan)
    {
        float[] tokens = scan.TokenMaxima, channels = [.. scan.ChannelMaxima.Order()];
        int cut = channels.Length / 100;
        return new HiddenStateReport(
            tokens.Max(),
            Ratio(tokens.Max(), tokens.Min()),
            Ratio(channels[^(1 + cut)], channels[cut]),
            tokens,
            scan.TokenMeans);
    }

    private static double Ratio(float largest, float smallest) =>
        smallest > 0 ? (double)largest / smallest : double.PositiveInfinity;
}
