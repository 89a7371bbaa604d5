namespace Bitis.Training.Losses;

/// <summary>The cross-entropy of images with a probability for each class.</summary>
/// <param name="targets">The probabilities, <c>[batch, classes]</c>; rows need not be one-hot.</param>
internal sealed class ClassLoss(FloatTensor targets) : OutputLoss
{
    /// <inheritdoc />
    public override int Images => targets.Shape[0];

    /// <summary>The probabilities; they may be changed between runs.</summary>
    public FloatTensor Targets => targets;

    /// <summary>The outputs of the last run, <c>[batch, classes]</c>.</summary>
    public FloatTensor Logits { get; } = FloatTensor.Uninitialized(targets.Shape);

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        values.CopyTo(Logits.Span.Slice(image * values.Length, values.Length));
        return SoftmaxCrossEntropy.Loss(values, targets.Span.Slice(image * values.Length, values.Length), gradient);
    }
}
