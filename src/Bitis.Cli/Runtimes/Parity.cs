using System.Diagnostics;
using System.Numerics.Tensors;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Tensors;

namespace Bitis.Cli.Runtimes;

/// <summary>How well an exported file agrees with Bitis, and how fast each of them is.</summary>
/// <param name="Runtime">The other runtime.</param>
/// <param name="Images">How many images were compared.</param>
/// <param name="Skipped">Images left out.</param>
/// <param name="Top1">The share of images with the same top-1 class, 0 to 1.</param>
/// <param name="MeanLogitError">The mean relative error of the logits.</param>
/// <param name="MaxLogitError">The largest relative error of an image's logits.</param>
/// <param name="LargestDifference">The largest difference of two logits.</param>
/// <param name="Threads">How many threads computed.</param>
/// <param name="BitisMs">The median time of Bitis for an image, in milliseconds.</param>
/// <param name="RuntimeMs">The median time of the other runtime.</param>
internal sealed record Parity(
    string Runtime, long Images, int Skipped, double Top1, double MeanLogitError, double MaxLogitError,
    double LargestDifference, int Threads, double BitisMs, double RuntimeMs)
{
    /// <summary>Runs all images in both, one after the other.</summary>
    public static Parity Measure(
        InferenceSession ours, OnnxRuntimeModel theirs, ImageSource images, Preprocessing preprocessing,
        bool takesBytes, int skipped, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        Agreement agreement = Agreement.None;
        double largest = 0;
        var times = new List<(TimeSpan Ours, TimeSpan Theirs)>();
        for (int i = 0; i < images.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PixelImage image = images.Read(i);
            FloatTensor pixels = preprocessing.Apply(image);
            pixels = pixels.Reshape(pixels.Shape.Prepend(1));
            long start = Stopwatch.GetTimestamp();
            FloatTensor expected = ours.Run(pixels, cancellationToken);
            TimeSpan ourTime = Stopwatch.GetElapsedTime(start);
            byte[]? bytes = takesBytes
                ? preprocessing.ResizeAndCrop(image.WithChannels(preprocessing.Channels)).Pixels.ToArray()
                : null;
            start = Stopwatch.GetTimestamp();
            float[] actual = bytes is null
                ? theirs.Run(pixels)
                : theirs.Run(bytes, [1, preprocessing.CropSize, preprocessing.CropSize, preprocessing.Channels]);
            times.Add((ourTime, Stopwatch.GetElapsedTime(start)));
            agreement = agreement.With(actual, expected.Span);
            for (int c = 0; c < actual.Length; c++)
                largest = Math.Max(largest, Math.Abs(actual[c] - expected.Span[c]));
            progress.Report(new WorkProgress("comparing", i + 1, images.Count));
        }
        return new Parity(
            theirs.Version, agreement.Images, skipped, agreement.Top1, agreement.MeanLogitError,
            agreement.MaxLogitError, largest, ours.Threads,
            Latency.Summarize([.. times.Select(time => time.Ours)]).Median.TotalMilliseconds,
            Latency.Summarize([.. times.Select(time => time.Theirs)]).Median.TotalMilliseconds);
    }

    /// <summary>The agreement in one line.</summary>
    public string Describe() => new AgreementReport(Runtime, Top1, MeanLogitError, MaxLogitError).Describe()
        + $"; {DisplayText.Count(Images, "image")} in {Runtime}";

    /// <summary>The largest difference of two logits.</summary>
    public string DescribeDifference() => $"{LargestDifference:G3}";

    /// <summary>Both latencies.</summary>
    public string DescribeLatency() =>
        $"{RuntimeMs:0.000} ms in {Runtime}, {BitisMs:0.000} ms in Bitis: {Format.Factor(RuntimeMs / BitisMs)}; "
        + DisplayText.Count(Threads, "thread");
}
