using System.Numerics;
using System.Numerics.Tensors;
using Bitis.Tensors;
using Bitis.Training.Losses;

namespace Bitis.Analysis.Sensitivity;

/// <summary>A loss with random signs, the square of whose gradient is the curvature of a model's answer.</summary>
/// <remarks>
/// The divergence of the answer from itself has no gradient, only a curvature: the sum over classes of
/// <c>p·(∂log p)²</c>. With random signs ±, the gradient of <c>Σ ±√p·log p</c> (roots held fast) has that mean square.
/// To draw one class with its share instead has the same mean, but of a sure answer nearly all of it comes from draws
/// that hardly ever happen. A model that segments has signs for each place of its map.
/// The signs of several draws are orthogonal, as the rows of a Hadamard matrix: as many draws as classes, if that is a
/// power of two, or the next one, give the exact curvature.
/// </remarks>
/// <param name="classes">The number of classes.</param>
/// <param name="places">The places of the model's map; 1 for a classifier.</param>
internal sealed class CurvatureLoss(int classes, int places) : OutputLoss
{
    /// <inheritdoc />
    public override int Images => 1;

    /// <summary>The seed of the next image's signs.</summary>
    public ulong Seed { get; set; }

    /// <summary>The draw, of those with the same seed.</summary>
    public int Draw { get; set; }

    /// <summary>The gradient with respect to the last image's logits, <c>[places, classes]</c>.</summary>
    public float[] LogitGradient { get; } = new float[checked(places * classes)];

    /// <inheritdoc />
    public override double Compute(int image, int output, ReadOnlySpan<float> values, Span<float> gradient)
    {
        var random = new SeededRandom(Seed);
        float[] shares = new float[classes];
        double loss = 0;
        for (int start = 0; start < values.Length; start += classes)
        {
            TensorPrimitives.SoftMax(values.Slice(start, classes), shares);
            float sum = 0;
            for (int label = 0; label < classes; label++)
            {
                bool isOdd = int.IsOddInteger(BitOperations.PopCount((uint)(Draw & label)));
                bool isNegative = random.NextDouble() < 0.5 != isOdd;
                float signed = MathF.Sqrt(shares[label]) * (isNegative ? -1 : 1);
                gradient[start + label] = signed;
                sum += signed;
                loss += shares[label] > 0 ? signed * Math.Log(shares[label]) : 0;
            }
            for (int label = 0; label < classes; label++)
                gradient[start + label] -= sum * shares[label];
        }
        gradient.CopyTo(LogitGradient);
        return loss;
    }
}
