namespace Bitis.Training;

/// <summary>What is known after an epoch: a row of the log.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Step">Steps done so far.</param>
/// <param name="LearningRate">The learning rate of the epoch's last step.</param>
/// <param name="TrainLoss">The mean loss over the epoch, in nats.</param>
/// <param name="TrainTop1">The share of the augmented training images whose own label came first, 0 to 1.</param>
/// <param name="ValidationTop1">
/// The share of the validation images that the averaged weights get right, 0 to 1; null if there are none, or not in
/// this epoch.
/// </param>
/// <param name="GradientNorm">The mean norm of the gradient before clipping.</param>
/// <param name="ImagesPerSecond">Images trained with in a second, evaluation not counted.</param>
/// <param name="Seconds">How long the epoch took, evaluation not counted.</param>
/// <param name="GradientCosines">
/// With a low-bit backward pass: the cosine of the weights' gradient to the exact one, by layer, both at the weights
/// and on some images of the epoch's first step; null for exact trainings.
/// </param>
public sealed record EpochRecord(
    int Epoch,
    long Step,
    double LearningRate,
    double TrainLoss,
    double TrainTop1,
    double? ValidationTop1,
    double GradientNorm,
    double ImagesPerSecond,
    double Seconds,
    IReadOnlyDictionary<string, double>? GradientCosines = null);
