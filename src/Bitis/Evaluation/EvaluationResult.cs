namespace Bitis.Evaluation;

/// <summary>What an evaluation found.</summary>
public sealed record EvaluationResult
{
    internal EvaluationResult(EvaluationShard counts, TimeSpan modelTime, ClassMap classes)
    {
        Counts = counts;
        ModelTime = modelTime;
        Classes = classes;
    }

    /// <summary>The counts over all images.</summary>
    public EvaluationShard Counts { get; }

    /// <summary>The time that the model itself took, without decoding images and without references.</summary>
    public TimeSpan ModelTime { get; }

    /// <summary>Images that the model answered in a second of its own time.</summary>
    public double ImagesPerSecond => Counts.Images / ModelTime.TotalSeconds;

    /// <summary>Which of the model's classes the images show, and the names of those in the counts.</summary>
    internal ClassMap Classes { get; }
}
