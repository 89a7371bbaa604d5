namespace Bitis.Training;

/// <summary>How a training goes, after a step.</summary>
/// <param name="Epoch">The current epoch, counted from 1.</param>
/// <param name="Epochs">All epochs.</param>
/// <param name="Step">Steps done in all epochs.</param>
/// <param name="Steps">All steps.</param>
/// <param name="Loss">The mean loss of the epoch so far.</param>
/// <param name="Top1">The training accuracy of the epoch so far, from 0 to 1.</param>
/// <param name="ImagesPerSecond">Images trained with in a second, in this epoch.</param>
/// <param name="Remaining">The time to the end, without evaluations.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, long Step, long Steps, double Loss, double Top1, double ImagesPerSecond, TimeSpan Remaining);
