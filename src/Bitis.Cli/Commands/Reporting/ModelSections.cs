using System.Numerics.Tensors;
using Bitis.Analysis;
using Bitis.Analysis.Distributions;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Pages.Sections;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.LabelMaps;
using Bitis.Data.Resampling;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Quantization;
using Bitis.Quantization.Scans;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>Runs images through a model for the sections of a report.</summary>
/// <param name="model">The model.</param>
/// <param name="baseline">The float model that it was made from; null if it was not given.</param>
/// <param name="threads">How many threads compute.</param>
/// <param name="progress">Receives the number of images done.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class ModelSections(
    LoadedModel model, LoadedModel? baseline, int threads, IProgress<WorkProgress> progress,
    CancellationToken cancellation)
{
    private const int BatchSize = 8, Thumbnails = 24, ThumbnailSize = 96;

    /// <summary>What the values of weights, inputs and scans are.</summary>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    /// <param name="seed">The seed of windows, for models that segment.</param>
    public IEnumerable<PageSection> OfValues(ImageSource images, string description, int seed)
    {
        CalibrationSet set = model.Config is IDenseConfig
            ? CalibrationSet.FromWindows(images, model.Preprocessing, images.Count, seed, 1)
            : CalibrationSet.FromImages(
                images, model.Preprocessing, images.Count, batchSize: BatchSize, threads: threads);
        ModelDistributions values = model.Quantized is { } quantized
            ? QuantizedDistributions.Run(quantized, baseline?.Float, set, threads, progress, cancellation)
            : FloatDistributions.Run(model.Float!, set, threads, progress, cancellation);
        yield return DistributionSection.Create(
            model.Reference, model.KindIn("float32"), $"{images.Count} of {description}", values);
        if (model.Float is not { } original || original.Graph.Nodes.All(node => node.Operator.ScanSize is null))
            yield break;
        IReadOnlyList<ScanStatistics> scans = ScanAnalyzer.Run(
            original,
            ImageLoader.Load(
                images, model.Preprocessing, BatchSize, threads, cancellation).Select(batch => batch.Images),
            threads, new ProgressWithTotal(progress, images.Count), cancellation);
        var result = new AnalyzeResult(
            model.Reference, description, images.Count, 0, null,
            [.. scans.Select(scan => ScanReport.Of(scan, decay: true, hiddenState: true))], []);
        yield return ResultFile.Of(result, model.Reference);
    }

    /// <summary>The images that the model and the baseline take for different classes.</summary>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    /// <exception cref="BitisException">The models do not classify, or have other classes or images.</exception>
    public PageSection OfDisagreements(ImageSource images, string description)
    {
        if (model.Config is IDenseConfig or PoseConfig)
        {
            throw BitisException.InFile(
                model.Reference, "--data is for models that classify images. Leave the option out.");
        }
        if (baseline!.Config.Classes != model.Config.Classes || baseline.Config.InputShape != model.Config.InputShape
            || (model.ClassNames is { } names && baseline.ClassNames is { } others && !names.SequenceEqual(others)))
        {
            throw BitisException.InFile(
                baseline.Reference, $"the baseline has other classes or images than {model.Reference}.");
        }
        var options = new SessionOptions { Threads = threads };
        using InferenceSession session = model.CreateSession(options, cancellation);
        using InferenceSession original = baseline.CreateSession(options, cancellation);
        var found = new List<Disagreement>();
        int done = 0;
        foreach (ImageBatch batch in ImageLoader.Load(
            images, model.Preprocessing, BatchSize, threads, cancellation))
        {
            FloatTensor ours = session.Run(batch.Images, cancellation);
            FloatTensor theirs = original.Run(batch.Images, cancellation);
            for (int i = 0; i < batch.Count; i++)
            {
                int answer = First(ours, i), expected = First(theirs, i);
                if (answer == expected)
                    continue;
                found.Add(new Disagreement(
                    batch.Names[i],
                    batch.Labels[i] is { } label ? images.ClassNames?[label] ?? $"class {label}" : null,
                    NameOf(expected), NameOf(answer),
                    found.Count < Thumbnails ? Thumbnail(images.Read(batch.StartIndex + i)) : null));
            }
            done += batch.Count;
            progress.Report(new WorkProgress("comparing", done, images.Count));
        }
        return DisagreementSection.Create(model.Reference, baseline.Reference, description, done, found);
    }

    private static int First(FloatTensor logits, int image)
    {
        int classes = logits.Shape[^1];
        return TensorPrimitives.IndexOfMax<float>(logits.Span.Slice(image * classes, classes));
    }

    private string NameOf(int index) => model.ClassNames?[index] ?? $"class {index}";

    private static byte[] Thumbnail(PixelImage image)
    {
        double scale = Math.Min(1, (double)ThumbnailSize / Math.Max(image.Width, image.Height));
        PixelImage small = image.WithChannels(PixelImage.RgbChannels);
        if (scale < 1)
            small = Resampler.Resize(small, Weights(image.Width, scale), Weights(image.Height, scale));
        using var file = new MemoryStream();
        PngWriter.WriteColours(file, small);
        return file.ToArray();
    }

    private static ResampleWeights Weights(int size, double scale)
    {
        int target = Math.Max(1, (int)Math.Round(size * scale));
        return new ResampleWeights(size, target, 0, target, Interpolation.Bilinear);
    }
}
