using System.Numerics.Tensors;
using Bitis.Tensors;
using Bitis.Training.Losses;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The negative log-likelihood of classes that are drawn from the model's own answer.</summary>
/// <remarks>
/// The divergence of the answer from itself has no gradient; this one's square is its curvature. A model that segments
/// answers at each place of its map: a class is drawn for each, and the logarithms are summed.
/// </remarks>
/// <param name="classes">The number of classes.</param>
/// <param name="places">The places of the model's map; 1 for a classifier.</param>
internal sealed class SampledClassLoss(int classes, int places) : OutputLoss
{
    /// <inheritdoc />
    public override int Images => 1;

    /// <summary>The seed of the next image's draws.</summary>
    public ulong Seed { get; set; }

    /// <summary>The gradient with respect to the last image's logits, <c>[places, classes]</c>.</summary>
    public float[] LogitGradient { get; } = new float[checked(places * classes)];

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        var random = new SeededRandom(Seed);
        float[] shares = new float[classes], target = new float[classes];
        double loss = 0;
        for (int start = 0; start < values.Length; start += classes)
        {
            ReadOnlySpan<float> logits = values.Slice(start, classes);
            TensorPrimitives.SoftMax(logits, shares);
            double draw = random.NextDouble();
            int drawn = 0;
            while (drawn < classes - 1 && draw >= shares[drawn])
                draw -= shares[drawn++];
            target.AsSpan().Clear();
            target[drawn] = 1;
            loss += SoftmaxCrossEntropy.Loss(logits, target, gradient.Slice(start, classes));
        }
        gradient.CopyTo(LogitGradient);
        return loss;
    }
}
