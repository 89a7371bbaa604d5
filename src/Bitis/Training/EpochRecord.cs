using System.Text.Json.Serialization;

namespace Bitis.Training;

/// <summary>The results of an epoch: a row of the log.</summary>
/// <remarks>
/// Accuracy on validation images is that of the averaged weights. What a training does not measure is null. Cosines
/// compare the gradients of a low-bit backward pass with the exact ones, for some images of the epoch's first step.
/// </remarks>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Step">Steps done so far.</param>
/// <param name="LearningRate">The learning rate of the epoch's last step.</param>
/// <param name="TrainLoss">The mean loss over the epoch, in nats.</param>
/// <param name="TrainTop1">
/// The share of augmented training images whose own label came first, 0 to 1; null without labels.
/// </param>
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
    double? TrainTop1,
    double? ValidationTop1,
    double GradientNorm,
    double ImagesPerSecond,
    double Seconds,
    IReadOnlyDictionary<string, double>? GradientCosines = null)
{
    /// <summary>The share of labeled pixels of augmented images that had their class, 0 to 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TrainPixelAccuracy { get; init; }

    /// <summary>The mean intersection over union of the classes of validation pixels, 0 to 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationMeanIou { get; init; }

    /// <summary>The share of validation pixels that have their class, 0 to 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationPixelAccuracy { get; init; }

    /// <summary>The mean squared error of the numbers of validation poses.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationLoss { get; init; }

    /// <summary>The mean absolute error of the coordinates of validation shapes, in pixels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationPositionError { get; init; }

    /// <summary>The mean absolute error of the radii of validation shapes, in pixels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationSizeError { get; init; }

    /// <summary>The mean absolute error of the angles of validation shapes, in degrees.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationAngleError { get; init; }

    /// <summary>By what epochs are compared, the more the better; null without an evaluation.</summary>
    internal double? Score => ValidationTop1 ?? ValidationMeanIou ?? -ValidationLoss;
}
