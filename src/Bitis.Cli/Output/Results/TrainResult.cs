using Bitis.Cli.Output.Parts;
using Bitis.Execution.LowBit;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Output.Results;

/// <summary>
/// What <c>bitis train</c> or <c>bitis finetune</c> made. Accuracies are 0 to 1; those of the validation are null
/// without validation images.
/// </summary>
internal sealed record TrainResult(
    string Output,
    ModelConfig Model,
    long Parameters,
    long LearningParameters,
    string? Head,
    string Data,
    string? Validation,
    string? ValidationClassMatch,
    TrainingRecipe Recipe,
    IReadOnlyList<LayerBackward> Backward,
    CosineReport? GradientCosines,
    double TrainLoss,
    double TrainTop1,
    double? ValidationTop1,
    double? BestTop1,
    int? BestEpoch,
    string FinalModel,
    string? BestModel,
    double ImagesPerSecond,
    double Seconds) : ICommandResult
{
    /// <summary>How many training images were left out, since they cannot be decoded.</summary>
    public int Skipped { get; init; }

    /// <summary>How many validation images were left out, since they cannot be decoded.</summary>
    public int SkippedValidation { get; init; }

    /// <summary>Sums a finished training up.</summary>
    public static TrainResult Of(Trainer trainer, TrainingRecipe recipe, TrainingData data, string? head)
    {
        EpochRecord last = trainer.Epochs[^1];
        EpochRecord? best = trainer.Epochs.Where(
            epoch => epoch.ValidationTop1 is not null).MaxBy(epoch => epoch.ValidationTop1);
        double seconds = trainer.Epochs.Sum(epoch => epoch.Seconds);
        return new TrainResult(
            trainer.Folder.Path,
            trainer.Model.Config,
            trainer.Model.Weights.Values.Sum(weight => (long)weight.Length),
            (trainer.Frozen?.Learning ?? trainer.Model.Graph.Parameters).Sum(parameter => parameter.Shape.ElementCount),
            head,
            data.Training.Description,
            data.Validation?.Description,
            data.ValidationClasses?.Summary,
            recipe,
            recipe.Backward.Select(trainer.Model.Graph, trainer.Frozen),
            CosineReport.Of(last),
            last.TrainLoss,
            last.TrainTop1,
            last.ValidationTop1,
            best?.ValidationTop1,
            best?.Epoch,
            trainer.Folder.FinalModel,
            best is null ? null : trainer.Folder.BestModel,
            last.Step * recipe.BatchSize / seconds,
            seconds);
    }

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", $"{FinalModel}, {Format.Count(Parameters)} parameters"),
            (
                "best model",
                BestModel is null ? null : $"{BestModel}, epoch {BestEpoch}: {Format.Percent(BestTop1)} top-1"),
            ("architecture", $"{Model.Family}, {Model.Describe()}"),
            ("head", Head),
            (
                "frozen",
                LearningParameters == Parameters
                    ? null
                    : $"{Format.Count(Parameters - LearningParameters)} parameters; "
                        + $"{Format.Count(LearningParameters)} learned"),
            ("images", Data),
            ("left out", Format.Undecodable(Skipped)),
            ("validation", Validation is null
                ? null
                : $"{Validation}: {Format.Percent(ValidationTop1)} top-1; {ValidationClassMatch}"),
            ("left out there", Format.Undecodable(SkippedValidation)),
            ("training", $"loss {TrainLoss:0.0000}, {Format.Percent(TrainTop1)} top-1 on augmented images, "
                + $"{DisplayText.Count(Recipe.Epochs, "epoch")}"),
            ("backward", BackwardInWords(Backward)),
            ("gradients", GradientCosines is { } cosines
                ? $"cosine to the exact ones {cosines.Mean:0.000} on average, {cosines.Worst:0.000} at worst "
                    + $"({cosines.WorstLayer}), in the last epoch"
                : null),
            ("time", $"{Format.Duration(TimeSpan.FromSeconds(Seconds))}, {ImagesPerSecond:0} images/s"));
        report.Line();
        if (GradientCosines?.Advice(Recipe.Backward, Backward) is { } advice)
        {
            report.Line(advice);
            report.Line();
        }
        string next = CommandText.Of(
            "bitis", "quantize", BestModel ?? FinalModel, "--calibration", "IMAGES", "-o", "model.bitis");
        report.Command($"Next: {next}");
    }

    /// <summary>The methods of the layers' backward passes, and why some are exact; nothing where all are.</summary>
    private static string? BackwardInWords(IReadOnlyList<LayerBackward> layers)
    {
        if (layers.All(layer => layer.Method is "exact" or LayerBackward.None))
            return null;
        IEnumerable<string> methods = layers.GroupBy(layer => layer.Method).Select(group => $"{group.Key} in "
            + $"{DisplayText.Count(group.Count(), "layer")}");
        IEnumerable<string> reasons = layers.Where(
            layer =>
                layer is { Method: "exact", Reason: not null }).Select(layer =>
                    $"{layer.Layer} ({layer.Reason})").Take(1);
        return string.Join(", ", methods) + string.Concat(reasons.Select(reason => $"; exact, for example, {reason}"));
    }
}
