using Bitis.Training;

namespace Bitis.Cli.Output.Progress;

/// <summary>Converts the progress of a training to text.</summary>
/// <param name="display">The progress display.</param>
internal sealed class TrainingDisplay(IProgress<WorkProgress> display) : IProgress<TrainingProgress>
{
    /// <inheritdoc />
    public void Report(TrainingProgress value)
    {
        double? share = value.BestValidationTop1 ?? value.BestValidationMeanIou;
        string?[] parts =
        [
            $"epoch {value.Epoch} of {value.Epochs}",
            $"loss {value.Loss:0.000}",
            value.Top1 is { } top1 ? $"top-1 {Format.Percent(top1)}" : null,
            value.PixelAccuracy is { } pixels ? $"pixels {Format.Percent(pixels)}" : null,
            share is { } best ? $"best validation {Format.Percent(best)}" : null,
            value.BestValidationLoss is { } loss ? $"best validation loss {loss:0.0000}" : null,
            $"{value.ImagesPerSecond:0} images/s",
        ];
        display.Report(new WorkProgress(
            "training", value.Step, value.Steps, string.Join(", ", parts.OfType<string>()), value.Remaining));
    }
}
