using System.Diagnostics;
using Bitis.Cli.Input;
using Bitis.Evaluation;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Training;
using Bitis.Training.Loop;

namespace Bitis.Cli.Output.Results;

/// <summary>What a long command would do, with a rough estimate of memory and time.</summary>
/// <param name="Steps">The work in order.</param>
/// <param name="MillisecondsPerImage">What the float model, or a step of a training, takes for an image now.</param>
/// <param name="Runs">How many images pass through a model.</param>
/// <param name="Seconds">The time of these runs.</param>
/// <param name="MemoryBytes">The weights of the models and images that are in memory at a time.</param>
internal sealed record DryRunResult(
    IReadOnlyList<string> Steps, double MillisecondsPerImage, long Runs, double Seconds, long MemoryBytes)
    : ICommandResult
{
    private const int Copies = 4, TimedImages = 3;

    /// <summary>A step runs each block forward and, which takes two to three times as long, backward.</summary>
    private const int PassesOfStep = 4;

    /// <summary>Measures the float model and estimates the work.</summary>
    public static DryRunResult For(
        LoadedModel model, IReadOnlyList<string> steps, long answers, long calibrations, int threads,
        CancellationToken cancellationToken)
    {
        using MeasuredSession session = model.CreateMeasured(
            new SessionOptions { Threads = threads }, cancellationToken);
        FloatTensor image = new(model.Config.InputShape.Prepend(1));
        session.Run(image, cancellationToken);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < TimedImages; i++)
            session.Run(image, cancellationToken);
        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds / TimedImages;
        long values = model.Float!.Graph.Nodes.Sum(node => node.Shape.ElementCount);
        long bytes = (Copies * session.WeightBytes) + (values * sizeof(float) * 16);
        long runs = answers + calibrations;
        return new DryRunResult(steps, milliseconds, runs, runs * milliseconds / 1000, bytes);
    }

    /// <summary>Trains a few steps without any file, and estimates the rest.</summary>
    public static DryRunResult For(
        Trainer trainer, TrainingRecipe recipe, TrainingData data, CancellationToken cancellationToken)
    {
        const int steps = 4;
        StepCosts costs = trainer.MeasureSteps(steps, cancellationToken);
        int perEpoch = data.Training.Count / recipe.BatchSize;
        int evaluations = data.Validation is null ? 0
            : ((recipe.Epochs - 1) / recipe.EvaluationInterval) + 1;
        long images = (long)recipe.Epochs * perEpoch * recipe.BatchSize;
        string train = $"train {DisplayText.Count(recipe.Epochs, "epoch")} of {DisplayText.Count(perEpoch, "step")} "
            + $"with {recipe.BatchSize} images each";
        string? evaluated = evaluations == 0
            ? null
            : $"evaluate {data.Validation!.Count} images {DisplayText.Count(evaluations, "time")}, "
                + "which is not in the time";
        return new DryRunResult(
            [.. new[] { train, evaluated, $"write {trainer.Folder.Path}" }.OfType<string>()],
            costs.Seconds * 1000 / recipe.BatchSize, images, costs.Seconds * recipe.Epochs * perEpoch, costs.Bytes);
    }

    /// <summary>How often a recipe reads its calibration images, in passes of the float model.</summary>
    public static long Passes(Recipe recipe, int images)
    {
        long passes = 2 + (recipe.CoversScans ? 2 : 0);
        return recipe.Behavior.Learning is { } learning
            ? passes + ((long)PassesOfStep * learning.Steps * Math.Min(learning.BatchSize ?? images, images) / images)
            : passes;
    }

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Line("Nothing was done. It would:");
        foreach (string step in Steps)
            report.Command($"  {step}");
        report.Fields(
            (
                "runs",
                $"{Format.Count(Runs)} images through a model, at {MillisecondsPerImage:0.0} ms each in float32 now"),
            ("time", $"about {Format.Duration(TimeSpan.FromSeconds(Seconds))}"),
            ("memory", $"about {Format.Bytes(MemoryBytes)}"));
    }
}
