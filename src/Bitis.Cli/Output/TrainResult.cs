using Bitis.Training;

namespace Bitis.Cli.Output;

/// <summary>What a training came to.</summary>
internal sealed record TrainResult(string Model, string Log, IReadOnlyList<EpochRecord> Epochs) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Table(
            [">epoch", ">loss", ">train top-1", ">val top-1", ">images/s"],
            Epochs.Select(e => (IReadOnlyList<string>)
                [$"{e.Epoch}", $"{e.Loss:F4}", $"{e.TrainingTop1:P2}", e.ValidationTop1 is { } top1 ? $"{top1:P2}" : "", $"{e.ImagesPerSecond:F0}"]));
        report.Line();
        report.Fields(("model", Model), ("log", Log));
    }
}
