namespace Bitis.Training;

/// <summary>What is known after an epoch: a row of the training log.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Steps">Steps done so far.</param>
/// <param name="LearningRate">The learning rate of the epoch's last step.</param>
/// <param name="Loss">The mean training loss, in nats.</param>
/// <param name="TrainingTop1">The share of the augmented training images whose own label came first, from 0 to 1.</param>
/// <param name="ValidationTop1">The accuracy of the averaged weights on the validation images; null if there are none.</param>
/// <param name="GradientNorm">The mean norm of the gradient before clipping.</param>
/// <param name="ImagesPerSecond">Images trained with in a second, without the evaluation.</param>
/// <param name="Seconds">The epoch's duration, without the evaluation.</param>
public sealed record EpochRecord(
    int Epoch,
    long Steps,
    double LearningRate,
    double Loss,
    double TrainingTop1,
    double? ValidationTop1,
    double GradientNorm,
    double ImagesPerSecond,
    double Seconds);
