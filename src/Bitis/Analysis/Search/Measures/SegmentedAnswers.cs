using Bitis.Analysis.Comparison;

namespace Bitis.Analysis.Search.Measures;

/// <summary>Answers of models that segment: the loss is the share of pixels that change their class.</summary>
internal sealed class SegmentedAnswers(
    VisionModel model, ImageSource images, int batchSize, int threads, IProgress<WorkProgress>? progress,
    CancellationToken cancellationToken) : SearchAnswers
{
    private readonly FloatComparison _comparison =
        new(model, images, batchSize, threads, progress, cancellationToken);

    /// <inheritdoc />
    public override int Images => (int)_comparison.Float.Images;

    /// <inheritdoc />
    public override double FloatScore => _comparison.Float.MeanIou ?? 0;

    /// <inheritdoc />
    public override AnswerQuality Measure(QuantizedModel model, CancellationToken cancellationToken)
    {
        ModelMeasures measures = _comparison.Measure(model, progress: null, cancellationToken);
        double score = measures.MeanIou ?? 0, same = measures.SameTop1 ?? 0;
        return new AnswerQuality(
            score, 100 * (FloatScore - score), same, Loss: 1 - same, DropError: null, ExpectedDrop: null);
    }
}
