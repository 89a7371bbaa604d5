using Bitis.Training;

namespace Bitis.Cli.Output.Progress;

/// <summary>Puts the progress of a training into words.</summary>
/// <param name="display">What shows it.</param>
internal sealed class TrainingDisplay(IProgress<WorkProgress> display) : IProgress<TrainingProgress>
{
    /// <inheritdoc />
    public void Report(TrainingProgress value)
    {
        string best = value.BestValidationTop1 is { } top1 ? $", best validation {Format.Percent(top1)}" : "";
        display.Report(new WorkProgress(
            "training",
            value.Step,
            value.Steps,
            $"epoch {value.Epoch} of {value.Epochs}, loss {value.Loss:0.000}, top-1 "
            + $"{Format.Percent(value.Top1)}{best}, "
            + $"{value.ImagesPerSecond:0} images/s",
            value.Remaining));
    }
}
