namespace Bitis.Evaluation;

/// <summary>How well the images of one class were recognized.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Images">How many images have this label.</param>
/// <param name="Correct">How many of them have it as their first answer.</param>
internal sealed record ClassAccuracy(int Class, long Images, long Correct)
{
    /// <summary>The share of correct answers, 0 to 1.</summary>
    public double Top1 => (double)Correct / Images;
}
