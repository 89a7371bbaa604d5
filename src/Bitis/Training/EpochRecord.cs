namespace Bitis.Training;

/// <summary>The results of an epoch: a row of the log.</summary>
/// <remarks>
/// Accuracy on validation images is that of the averaged weights. Cosines compare the gradients of a low-bit backward
/// pass with the exact ones, for some images of the epoch's first step.
/// </remarks>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Step">Steps done so far.</param>
/// <param name="LearningRate">The learning rate of the epoch's last step.</param>
/// <param name="TrainLoss">The mean loss over the epoch, in nats.</param>
/// <param name="TrainTop1">The share of the augmented training images whose own label came first, 0 to 1.</param>
/// <param name="ValidationTop1">The share of correct validation images, 0 to 1; null without an evaluation.</param>
/// <param name="GradientNorm">The mean norm of the gradient before clipping.</param>
/// <param name="ImagesPerSecond">The training images per second, without evaluation.</param>
/// <param name="Seconds">The duration of the epoch in seconds, without evaluation.</param>
/// <param name="GradientCosines">
/// The cosine between the gradient of the weights and the exact one, by layer; null for exact trainings.
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
