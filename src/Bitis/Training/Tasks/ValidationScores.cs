using Bitis.Evaluation;

namespace Bitis.Training.Tasks;

/// <summary>The accuracy of a model on validation images; what does not apply is null.</summary>
internal sealed record ValidationScores
{
    /// <summary>The share of images whose class came first, 0 to 1.</summary>
    public double? Top1 { get; init; }

    /// <summary>The mean intersection over union of the classes of pixels, 0 to 1.</summary>
    public double? MeanIou { get; init; }

    /// <summary>The errors of poses.</summary>
    public PoseErrors? Pose { get; init; }

    /// <summary>The share of pixels with their class, 0 to 1.</summary>
    public double? PixelAccuracy { get; init; }
}
