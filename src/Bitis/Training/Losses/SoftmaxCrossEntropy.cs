namespace Bitis.Training.Losses;

/// <summary>The loss of an image: <c>L = −Σ tᵢ·ln softmax(x)ᵢ</c>, computed in float64.</summary>
internal static class SoftmaxCrossEntropy
{
    /// <summary>
    /// Computes the loss, in nats, and its gradient with respect to the logits, <c>softmax(x)·Σ t − t</c>.
    /// </summary>
    /// <param name="logits">x, the model's output for the image.</param>
    /// <param name="target">t, the probability of each class.</param>
    /// <param name="gradient">Receives the gradient.</param>
    public static double Loss(ReadOnlySpan<float> logits, ReadOnlySpan<float> target, Span<float> gradient)
    {
        double largest = double.NegativeInfinity, sum = 0, mass = 0, dot = 0;
        foreach (float logit in logits)
            largest = Math.Max(largest, logit);
        for (int i = 0; i < logits.Length; i++)
        {
            sum += Math.Exp(logits[i] - largest);
            mass += target[i];
            dot += (double)target[i] * logits[i];
        }
        double logSum = largest + Math.Log(sum);
        for (int i = 0; i < logits.Length; i++)
            gradient[i] = (float)(mass * Math.Exp(logits[i] - logSum) - target[i]);
        return mass * logSum - dot;
    }
}
