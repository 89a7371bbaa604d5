namespace Bitis.Training;

/// <summary>The progress of a training.</summary>
/// <param name="Epoch">The epoch under way, counted from 1.</param>
/// <param name="Epochs">All epochs.</param>
/// <param name="Step">Steps done since the start of the training.</param>
/// <param name="Steps">All steps.</param>
/// <param name="LearningRate">The learning rate of the last step.</param>
/// <param name="Loss">The mean loss of the epoch so far, in nats.</param>
/// <param name="Top1">
/// The share of the epoch's augmented images whose own label came first; null without labels.
/// </param>
/// <param name="ImagesPerSecond">The training images per second, over the epoch so far.</param>
/// <param name="BestValidationTop1">
/// The best accuracy so far on the validation images, 0 to 1; null if there is none yet.
/// </param>
/// <param name="Remaining">The time until the end, at the speed so far.</param>
public sealed record TrainingProgress(
    int Epoch,
    int Epochs,
    long Step,
    long Steps,
    double LearningRate,
    double Loss,
    double? Top1,
    double ImagesPerSecond,
    double? BestValidationTop1,
    TimeSpan Remaining)
{
    /// <summary>The share of the epoch's labeled pixels that had their class; null without labels.</summary>
    public double? PixelAccuracy { get; init; }

    /// <summary>The best mean intersection over union so far on the validation images; null if there is none.</summary>
    public double? BestValidationMeanIou { get; init; }

    /// <summary>The least mean squared error of validation poses so far; null if there is none.</summary>
    public double? BestValidationLoss { get; init; }
}
