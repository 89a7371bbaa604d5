using System.Text.Json.Serialization;

namespace Bitis.Training.Loop;

/// <summary>The sums of an unfinished epoch. Checkpoints hold them, so that an epoch may be interrupted.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The sum of the steps' losses.</param>
/// <param name="Correct">Images, or pixels, whose own label came first.</param>
/// <param name="GradientNorm">The sum of the gradient's norms.</param>
/// <param name="Seconds">The time that the steps took.</param>
/// <param name="GradientCosines">
/// The cosine of low-bit gradients to the exact ones in the first step, by layer; null for exact trainings.
/// </param>
internal sealed record EpochSums(
    int Steps, double Loss, long Correct, double GradientNorm, double Seconds,
    IReadOnlyDictionary<string, double>? GradientCosines = null)
{
    /// <summary>Images, or pixels, with a label; null before a step, and if an older version wrote the sums.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Counted { get; init; }

    /// <summary>The share of images, or pixels, whose own label came first, 0 to 1.</summary>
    /// <param name="images">How many images there were, if they were not counted.</param>
    internal double Accuracy(long images) => (double)Correct / Math.Max(1, Counted ?? images);

    /// <summary>The sums of an epoch that has not begun.</summary>
    public static EpochSums None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>The sums with one more step.</summary>
    internal EpochSums With(StepResult step, double seconds) => new(
        Steps + 1,
        Loss + step.Loss,
        Correct + step.Correct,
        GradientNorm + step.GradientNorm,
        Seconds + seconds,
        step.GradientCosines ?? GradientCosines)
    {
        Counted = Steps > 0 && Counted is null ? null : (Counted ?? 0) + step.Counted,
    };
}
