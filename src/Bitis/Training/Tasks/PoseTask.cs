using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Training.Losses;

namespace Bitis.Training.Tasks;

/// <summary>The pose of the shape in each image.</summary>
internal sealed class PoseTask(VisionModel model, TrainingRecipe recipe, int threads) : TrainingTask
{
    private readonly PoseLoss _loss = new(model.Config.ImageSize);

    /// <inheritdoc />
    public override Graph Graph => model.Graph;

    /// <inheritdoc />
    public override (long Correct, long Counted) Score => (0, 0);

    private int LoaderThreads => threads == 1 ? 1 : 2;

    /// <inheritdoc />
    public override IEnumerable<ImageBatch> Load(
        ImageSource images, int epoch, int firstPlace, CancellationToken cancellationToken) =>
        PoseBatches.Load(images, model.Preprocessing, recipe.BatchSize, LoaderThreads, cancellationToken);

    /// <inheritdoc />
    public override OutputLoss Prepare(ImageBatch batch, ulong seed)
    {
        recipe.Augmentation.Apply(batch.Images, batch.Poses, seed);
        _loss.Poses = batch.Poses!;
        return _loss;
    }

    /// <inheritdoc />
    public override ValidationScores Evaluate(
        VisionModel model, ImageSource validation, CancellationToken cancellationToken)
    {
        using InferenceSession session = InferenceSession.Create(
            model, new SessionOptions { Threads = threads }, cancellationToken);
        var evaluation = new PoseEvaluation(session) { LoaderThreads = LoaderThreads };
        return new ValidationScores { Pose = evaluation.Run(validation, progress: null, cancellationToken) };
    }
}
