namespace Bitis.Evaluation;

/// <summary>What an evaluation found.</summary>
/// <param name="Counts">The counts over all images.</param>
/// <param name="ModelTime">The time that the model itself took, without decoding images and without references.</param>
/// <param name="Classes">Which of the model's classes the images show, and the names of those in the counts.</param>
public sealed record EvaluationResult(EvaluationShard Counts, TimeSpan ModelTime, ClassMap Classes)
{
    /// <summary>Images that the model answered in a second of its own time.</summary>
    public double ImagesPerSecond => Counts.Images / ModelTime.TotalSeconds;
}
