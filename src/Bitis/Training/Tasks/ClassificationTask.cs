using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Tensors;
using Bitis.Training.Losses;

namespace Bitis.Training.Tasks;

/// <summary>A class for each image.</summary>
internal sealed class ClassificationTask(
    VisionModel model, TrainingRecipe recipe, TrainingData data, int threads) : TrainingTask
{
    private readonly ClassLoss _loss = new(new FloatTensor([recipe.BatchSize, model.Config.Classes]));
    private int[] _labels = [];

    /// <inheritdoc />
    public override Graph Graph => model.Graph;

    /// <inheritdoc />
    public override (long Correct, long Counted) Score
    {
        get
        {
            int correct = 0, classes = _loss.Logits.Shape[1];
            for (int i = 0; i < _labels.Length; i++)
            {
                if (TopK.First(_loss.Logits.Span.Slice(i * classes, classes)) == _labels[i])
                    correct++;
            }
            return (correct, _labels.Length);
        }
    }

    /// <inheritdoc />
    public override string? Fault =>
        _loss.Logits.FindNonFinite() is { } index ? $"an answer is {_loss.Logits.Span[index]}" : null;

    /// <summary>Two are enough: while one batch waits, another one is decoded. Steps take far longer.</summary>
    private int LoaderThreads => threads == 1 ? 1 : 2;

    /// <inheritdoc />
    public override IEnumerable<ImageBatch> Load(
        ImageSource images, int epoch, int firstPlace, CancellationToken cancellationToken) =>
        ImageLoader.Load(images, model.Preprocessing, recipe.BatchSize, LoaderThreads, cancellationToken);

    /// <inheritdoc />
    public override OutputLoss Prepare(ImageBatch batch, ulong seed)
    {
        _labels = [.. batch.Labels.Select(label => label!.Value)];
        recipe.Augmentation.Apply(batch.Images, _labels, _loss.Targets, seed);
        return _loss;
    }

    /// <inheritdoc />
    public override ValidationScores Evaluate(
        VisionModel model, ImageSource validation, CancellationToken cancellationToken)
    {
        using InferenceSession session = InferenceSession.Create(
            model, new SessionOptions { Threads = threads }, cancellationToken);
        var evaluator = new Evaluator(session.Run, data.Classes, data.ClassNames) { LoaderThreads = LoaderThreads };
        return new ValidationScores
        {
            Top1 = evaluator.Run(validation, model.Preprocessing, progress: null, cancellationToken).Top1,
        };
    }
}
