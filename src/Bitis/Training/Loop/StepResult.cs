namespace Bitis.Training.Loop;

/// <summary>The results of a step.</summary>
/// <param name="Loss">The mean loss of the batch.</param>
/// <param name="Correct">The images, or pixels, whose own label came first.</param>
/// <param name="Counted">The images, or pixels, that have a label.</param>
/// <param name="GradientNorm">The norm of the gradient before clipping.</param>
/// <param name="GradientCosines">
/// The cosine of low-bit gradients to the exact ones, by layer; null where they were not compared.
/// </param>
internal readonly record struct StepResult(
    double Loss, long Correct, long Counted, double GradientNorm, IReadOnlyDictionary<string, double>? GradientCosines);
