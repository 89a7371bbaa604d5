namespace Bitis.Training;

/// <summary>What an unfinished epoch has added up so far. Checkpoints keep it, so that an epoch may be interrupted.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The sum of the steps' losses.</param>
/// <param name="Correct">Images whose own label came first.</param>
/// <param name="GradientNorm">The sum of the gradient's norms.</param>
/// <param name="Seconds">The time that the steps took.</param>
public sealed record EpochSums(int Steps, double Loss, long Correct, double GradientNorm, double Seconds)
{
    /// <summary>The sums of an epoch that has not begun.</summary>
    public static EpochSums None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>The sums with one more step.</summary>
    public EpochSums With(double loss, int correct, double gradientNorm, double seconds) =>
        new(Steps + 1, Loss + loss, Correct + correct, GradientNorm + gradientNorm, Seconds + seconds);
}
