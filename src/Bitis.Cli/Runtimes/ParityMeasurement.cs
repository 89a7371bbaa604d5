using System.Diagnostics;
using System.Numerics.Tensors;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Cli.Runtimes;

/// <summary>Runs an exported file and Bitis on the same images, one after the other.</summary>
/// <param name="ours">Bitis.</param>
/// <param name="theirs">The file.</param>
/// <param name="takesBytes">Whether the file takes bytes.</param>
internal sealed class ParityMeasurement(ParitySession ours, OnnxRuntimeModel theirs, bool takesBytes)
{
    private const int WarmUp = 3;

    private readonly List<(TimeSpan Ours, TimeSpan Theirs)> _times = [];
    private readonly PoseErrors _poses = new();
    private Agreement _agreement = Agreement.None;
    private double _largest;
    private long _pixels, _samePixels;

    /// <summary>Measures all images.</summary>
    public Parity Run(
        ImageSource images, int skipped, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        // The first calls reserve memory and compile code, so they are not timed.
        for (int call = 0; call < WarmUp; call++)
            Answers(images.Read(0), cancellationToken);
        for (int i = 0; i < images.Count; i++)
        {
            Add(images.Read(i), cancellationToken);
            progress.Report(new WorkProgress("comparing", i + 1, images.Count));
        }
        bool isDense = ours.Config is IDenseConfig, hasPoses = ours.Config is PoseConfig;
        return new Parity(
            theirs.Version, _agreement.Images, skipped, isDense || hasPoses ? null : _agreement.Top1,
            isDense ? (double)_samePixels / _pixels : null, hasPoses ? PoseDifference.Of(_poses) : null,
            _agreement.MeanLogitError, _agreement.MaxLogitError, _largest, ours.Threads,
            Latency.Summarize([.. _times.Select(time => time.Ours)]).Median.TotalMilliseconds,
            Latency.Summarize([.. _times.Select(time => time.Theirs)]).Median.TotalMilliseconds);
    }

    /// <summary>The numbers of Bitis and of the file for an image, and how long each of them took.</summary>
    private (FloatTensor Expected, float[] Actual, TimeSpan Ours, TimeSpan Theirs) Answers(
        PixelImage image, CancellationToken cancellationToken)
    {
        Preprocessing preprocessing = ours.Preprocessing;
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
        return (expected, actual, ourTime, Stopwatch.GetElapsedTime(start));
    }

    private void Add(PixelImage image, CancellationToken cancellationToken)
    {
        (FloatTensor expected, float[] actual, TimeSpan time, TimeSpan theirTime) = Answers(image, cancellationToken);
        _times.Add((time, theirTime));
        _agreement = _agreement.With(actual, expected.Span);
        for (int i = 0; i < actual.Length; i++)
            _largest = Math.Max(_largest, Math.Abs(actual[i] - expected.Span[i]));
        if (ours.Config is IDenseConfig)
            ComparePixels(actual, expected.Span);
        else if (ours.Config is PoseConfig)
            _poses.Add(actual, PoseEncoding.Decode(expected.Span, ours.Config.ImageSize), ours.Config.ImageSize);
    }

    /// <summary>Counts the pixels with the same class, of logits <c>[classes, height, width]</c>.</summary>
    private void ComparePixels(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        int classes = ours.Config.Classes, pixels = actual.Length / classes;
        var a = new float[classes];
        var b = new float[classes];
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            for (int c = 0; c < classes; c++)
                (a[c], b[c]) = (actual[(c * pixels) + pixel], expected[(c * pixels) + pixel]);
            if (TensorPrimitives.IndexOfMax(a) == TensorPrimitives.IndexOfMax(b))
                _samePixels++;
        }
        _pixels += pixels;
    }
}
