using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;

namespace Bitis.Cli.Runtimes;

/// <summary>How well an exported file agrees with Bitis, and how fast each of them is.</summary>
/// <param name="Runtime">The other runtime.</param>
/// <param name="Images">How many images were compared.</param>
/// <param name="Skipped">Images left out.</param>
/// <param name="Top1">The share of images with the same top-1 class, 0 to 1; null if images have none.</param>
/// <param name="SamePixels">The share of pixels with the same class; null if the model does not segment.</param>
/// <param name="Poses">The differences of poses; null if the model gives none.</param>
/// <param name="MeanLogitError">The mean relative error of the logits.</param>
/// <param name="MaxLogitError">The largest relative error of an image's logits.</param>
/// <param name="LargestDifference">The largest difference of two logits.</param>
/// <param name="Threads">How many threads computed.</param>
/// <param name="BitisMs">The median time of Bitis for an image, in milliseconds.</param>
/// <param name="RuntimeMs">The median time of the other runtime.</param>
internal sealed record Parity(
    string Runtime, long Images, int Skipped, double? Top1, double? SamePixels, PoseDifference? Poses,
    double MeanLogitError, double MaxLogitError, double LargestDifference, int Threads, double BitisMs,
    double RuntimeMs)
{
    /// <summary>The agreement in one line.</summary>
    public string Describe()
    {
        string answers = Top1 is { } top1 ? $"{Format.Percent(top1)} same top-1; logits"
            : SamePixels is { } pixels ? $"{Format.Percent(pixels)} of pixels with the same class; logits"
            : $"{Poses!.Describe()}; numbers";
        return $"{answers} {AgreementReport.DescribeErrors(MeanLogitError, MaxLogitError)}; "
            + $"{DisplayText.Count(Images, "image")} in {Runtime}";
    }

    /// <summary>The largest difference of two logits.</summary>
    public string DescribeDifference() => $"{LargestDifference:G3}";

    /// <summary>Both latencies.</summary>
    public string DescribeLatency() =>
        $"{RuntimeMs:0.000} ms in {Runtime}, {BitisMs:0.000} ms in Bitis: {Format.Factor(RuntimeMs / BitisMs)}; "
        + DisplayText.Count(Threads, "thread");
}
