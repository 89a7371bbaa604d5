using System.Numerics.Tensors;
using Bitis.Tensors;
using Bitis.Training.Losses;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The negative log-likelihood of a class that is drawn from the model's own answer.</summary>
/// <remarks>The divergence of the answer from itself has no gradient; this one's square is its curvature.</remarks>
/// <param name="classes">The number of classes.</param>
internal sealed class SampledClassLoss(int classes) : OutputLoss
{
    /// <inheritdoc />
    public override int Images => 1;

    /// <summary>The seed of the next image's draw.</summary>
    public ulong Seed { get; set; }

    /// <summary>The gradient with respect to the last image's logits.</summary>
    public float[] LogitGradient { get; } = new float[classes];

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        var shares = new float[values.Length];
        TensorPrimitives.SoftMax(values, shares);
        double draw = new SeededRandom(Seed).NextDouble();
        int drawn = 0;
        while (drawn < shares.Length - 1 && draw >= shares[drawn])
            draw -= shares[drawn++];
        var target = new float[values.Length];
        target[drawn] = 1;
        double loss = SoftmaxCrossEntropy.Loss(values, target, gradient);
        gradient.CopyTo(LogitGradient);
        return loss;
    }
}
