using Bitis.Analysis;
using Bitis.Analysis.Distributions;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Pages.Sections;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Data;
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
    private const int BatchSize = 8;

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

    /// <summary>The images to which the model and the baseline give different answers.</summary>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    /// <exception cref="BitisException">The models have other classes or images.</exception>
    public PageSection OfDisagreements(ImageSource images, string description)
    {
        var pair = new ModelPair(model, baseline!, threads, progress, cancellation);
        pair.RequireSameAnswers();
        return model.Config switch
        {
            IDenseConfig => PixelDisagreements.Find(pair, images, description),
            PoseConfig => PoseDisagreements.Find(pair, images, description),
            _ => ClassDisagreements.Find(pair, images, description),
        };
    }
}
