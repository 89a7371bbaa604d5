using Bitis.Cli.Output.Parts;
using Bitis.Execution.LowBit;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis train</c> or <c>bitis finetune</c>.</summary>
/// <remarks>Accuracies are 0 to 1. Those of the validation are null without validation images.</remarks>
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
    double? TrainTop1,
    double? ValidationTop1,
    double? BestTop1,
    int? BestEpoch,
    string FinalModel,
    string? BestModel,
    double ImagesPerSecond,
    double Seconds) : ICommandResult
{
    /// <summary>The share of labeled pixels of augmented images that had their class, 0 to 1.</summary>
    public double? TrainPixelAccuracy { get; init; }

    /// <summary>The mean intersection over union on the validation images, 0 to 1.</summary>
    public double? ValidationMeanIou { get; init; }

    /// <summary>The share of validation pixels that have their class, 0 to 1.</summary>
    public double? ValidationPixelAccuracy { get; init; }

    /// <summary>The mean absolute error of the coordinates of validation shapes, in pixels.</summary>
    public double? ValidationPositionError { get; init; }

    /// <summary>The mean absolute error of the radii of validation shapes, in pixels.</summary>
    public double? ValidationSizeError { get; init; }

    /// <summary>The mean absolute error of the angles of validation shapes, in degrees.</summary>
    public double? ValidationAngleError { get; init; }

    /// <summary>The best mean intersection over union.</summary>
    public double? BestMeanIou { get; init; }

    /// <summary>The number of training images that could not be decoded and were left out.</summary>
    public int Skipped { get; init; }

    /// <summary>The number of validation images that could not be decoded and were left out.</summary>
    public int SkippedValidation { get; init; }

    /// <summary>Creates the result of a finished training.</summary>
    public static TrainResult Of(Trainer trainer, TrainingRecipe recipe, TrainingData data, string? head)
    {
        EpochRecord last = trainer.Epochs[^1];
        EpochRecord? best = trainer.BestEpoch;
        double seconds = trainer.Epochs.Sum(epoch => epoch.Seconds);
        return new TrainResult(
            trainer.Folder.Path,
            trainer.Model.Config,
            trainer.Model.Weights.Values.Sum(weight => (long)weight.Length),
            (trainer.Frozen?.Learning ?? trainer.Model.Graph.Parameters).Sum(parameter => parameter.Shape.ElementCount),
            head,
            data.Training.Description,
            data.Validation?.Description,
            last.ValidationTop1 is null ? null : data.ValidationClasses?.Summary,
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
            seconds)
        {
            TrainPixelAccuracy = last.TrainPixelAccuracy,
            ValidationMeanIou = last.ValidationMeanIou,
            ValidationPixelAccuracy = last.ValidationPixelAccuracy,
            ValidationPositionError = last.ValidationPositionError,
            ValidationSizeError = last.ValidationSizeError,
            ValidationAngleError = last.ValidationAngleError,
            BestMeanIou = best?.ValidationMeanIou,
        };
    }

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", $"{FinalModel}, {Format.Count(Parameters)} parameters"),
            (
                "best model",
                BestModel is null ? null : $"{BestModel}, epoch {BestEpoch}{Best}"),
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
            ("validation", Validation is null ? null : $"{Validation}: {Scores}"),
            ("left out there", Format.Undecodable(SkippedValidation)),
            ("training", $"loss {TrainLoss:0.0000}{Accuracy}, {DisplayText.Count(Recipe.Epochs, "epoch")}"),
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

    /// <summary>The accuracy on augmented images.</summary>
    private string Accuracy =>
        TrainPixelAccuracy is { } pixels ? $", {Format.Percent(pixels)} of pixels on augmented images"
        : TrainTop1 is { } top1 ? $", {Format.Percent(top1)} top-1 on augmented images"
        : "";

    /// <summary>The accuracy of the best epoch.</summary>
    private string Best =>
        BestMeanIou is { } iou ? $": {Format.Percent(iou)} mean IoU"
        : BestTop1 is { } top1 ? $": {Format.Percent(top1)} top-1"
        : "";

    /// <summary>The accuracy on the validation images.</summary>
    private string Scores =>
        ValidationMeanIou is { } iou
            ? $"{Format.Percent(iou)} mean IoU, {Format.Percent(ValidationPixelAccuracy)} of pixels"
        : ValidationPositionError is { } position
            ? $"errors of {position:0.00} pixels (position), {ValidationSizeError:0.00} pixels (size) and "
                + $"{ValidationAngleError:0.0} degrees"
        : $"{Format.Percent(ValidationTop1)} top-1; {ValidationClassMatch}";

    /// <summary>The methods of the layers' backward passes, and why some are exact; null if all are.</summary>
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
