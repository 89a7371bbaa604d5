using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Models.Segmentation;
using Bitis.Tensors;
using Bitis.Training.Images;
using Bitis.Training.Losses;

namespace Bitis.Training.Tasks;

/// <summary>A class for each pixel, learned by all heads of a model.</summary>
internal sealed class SegmentationTask : TrainingTask
{
    private readonly VisionModel _model;
    private readonly IDenseConfig _dense;
    private readonly TrainingRecipe _recipe;
    private readonly PixelLoss _loss;
    private readonly int _threads;

    /// <summary>Prepares the task.</summary>
    public SegmentationTask(
        VisionModel model, IDenseConfig dense, TrainingRecipe recipe, TrainingData data, int threads)
    {
        (_model, _dense, _recipe, _threads) = (model, dense, recipe, threads);
        data.RequireClassesOfPixels(model.Config.Classes);
        int side = model.Config.ImageSize;
        IReadOnlyList<LearningHead> heads = dense.LearningHeads(side, side);
        Graph = model.Graph.WithOutputs([.. heads.Select(head => model.Graph[head.Node])]);
        _loss = new PixelLoss(
            side, side, model.Config.Classes,
            [.. heads.Select(head => new LabeledMap(head.Height, head.Width, head.Weight))],
            recipe.Augmentation.LabelSmoothing);
    }

    /// <inheritdoc />
    public override Graph Graph { get; }

    /// <inheritdoc />
    public override (long Correct, long Counted) Score => (_loss.Correct, _loss.Counted);

    /// <inheritdoc />
    public override IEnumerable<ImageBatch> Load(
        ImageSource images, int epoch, int firstPlace, CancellationToken cancellationToken)
    {
        var crops = new LabeledCrops(images, _model.Preprocessing, _model.Config.Classes, _dense.ReducesZeroLabel);
        ulong seed = TrainingData.CropSeed(_recipe.Seed, epoch);
        return ImageLoader.Load(
            images.Count, _recipe.BatchSize, _threads == 1 ? 1 : 2,
            (start, count, token) => crops.Read(
                start, count, index => SeededRandom.ForPart(seed, (ulong)(firstPlace + index)), token),
            cancellationToken);
    }

    /// <inheritdoc />
    public override OutputLoss Prepare(ImageBatch batch, ulong seed)
    {
        _recipe.Augmentation.Apply(batch.Images, batch.PixelLabels, seed);
        _loss.Labels = batch.PixelLabels!;
        return _loss;
    }

    /// <inheritdoc />
    public override ValidationScores Evaluate(
        VisionModel model, ImageSource validation, CancellationToken cancellationToken)
    {
        using SegmentationSession session = SegmentationSession.Create(
            model, new SessionOptions { Threads = _threads }, cancellationToken);
        SegmentationScores scores = new SegmentationEvaluation(session).Run(
            validation, window: null, progress: null, cancellationToken);
        return new ValidationScores { MeanIou = scores.MeanIou, PixelAccuracy = scores.PixelAccuracy };
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        base.Dispose();
        _loss.Dispose();
    }
}
