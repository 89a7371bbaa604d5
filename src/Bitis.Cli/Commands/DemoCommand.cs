using System.CommandLine;
using System.Text.Json.Nodes;
using Bitis.Analysis.Comparison;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Demo;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Models.Catalogue;
using Bitis.Quantization.Methods;

namespace Bitis.Cli.Commands;

/// <summary>
/// <c>bitis demo</c>: quantizes a built-in model with several methods and bit widths, without downloads.
/// </summary>
internal sealed class DemoCommand : BitisCommand
{
    private const string Model = "vim-micro-builtin";
    private const int CalibrationImages = 64, LearningSteps = 10, Batch = 32, LatencyRuns = 100;

    private static readonly BitWidths[] BitWidthsShown = [new(8, 8), new(6, 6), new(4, 4)];

    /// <summary>The methods, each in its own scope, and min-max in both scopes.</summary>
    private static readonly (Scope Scope, QuantizationMethod Method)[] Shown =
    [
        .. Methods(Scope.Linear, "minmax", "percentile", "mse", "smoothquant", "ptq4vm", "ptq4vm+"),
        .. Methods(Scope.Ssm, "minmax", "qmamba", "qmamba+"),
    ];

    private readonly Option<int> _threads = CommonOptions.Threads("How many threads to measure the latency with.", 1);

    /// <summary>Creates the command.</summary>
    public DemoCommand(CliContext context)
        : base(
            "demo",
            "Quantizes a built-in model with each method, and measures accuracy, size and speed. Needs no files.",
            "bitis demo",
            context) => Options.Add(_threads);

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        int threads = arguments.GetValue(_threads);
        VisionModel model = VisionModel.LoadShipped(Model, Context.Cancellation);
        using ImageSource calibration = new BuiltInImageSource(BuiltInSplit.Train).Take(CalibrationImages, seed: 0);
        using ImageSource test = new BuiltInImageSource(BuiltInSplit.Test), decoded = Keep(test);
        var calibrationSet = CalibrationSet.FromTensors(
            ImageLoader.Load(calibration, model.Preprocessing, Batch, cancellationToken: Context.Cancellation)
                .Select(batch => batch.Images));
        var comparison = new FloatComparison(
            model, decoded, Batch, threads: 0, progress: null, Context.Cancellation);

        var rows = new List<DemoRow>();
        foreach (BitWidths bits in BitWidthsShown)
        {
            foreach ((Scope scope, QuantizationMethod method) in Shown)
            {
                progress.Report(
                    new WorkProgress("quantizing and measuring", rows.Count, Shown.Length * BitWidthsShown.Length));
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                    model, calibrationSet, RecipeOf(scope, method, bits), cancellationToken: Context.Cancellation);
                ModelMeasures result = comparison.Measure(quantized, progress: null, Context.Cancellation);
                (Latency latency, Latency floatLatency) =
                    comparison.Time(quantized, threads, LatencyRuns, Context.Cancellation);
                rows.Add(new DemoRow(
                    bits,
                    scope,
                    method.Name,
                    result.Top1,
                    result.SameTop1!.Value,
                    quantized.Save(Stream.Null, Context.Cancellation),
                    latency.Median.TotalMilliseconds,
                    floatLatency.Median.TotalMilliseconds));
            }
        }
        return new DemoResult(
            Model,
            model.Weights.Values.Sum(weight => (long)weight.Length),
            calibration.Description,
            test.Description,
            threads,
            LearningSteps,
            new DemoFloatRow(
                comparison.Float.Top1,
                new FileInfo(ShippedModels.Find(Model)!).Length,
                rows.Select(row => row.FloatLatencyMs).Order().ElementAt(rows.Count / 2)),
            rows);
    }

    /// <summary>
    /// The recipe of a row, with a quarter of the usual learning steps to keep the demo under a minute.
    /// </summary>
    private static Recipe RecipeOf(Scope scope, QuantizationMethod method, BitWidths bits)
    {
        var recipe = new Recipe { Scope = scope, Method = method.Name, Bits = bits };
        return method.SettingNames.Contains("learning")
            ? recipe.WithSettings(new JsonObject { ["learning"] = new JsonObject { ["steps"] = LearningSteps } })
            : recipe;
    }

    /// <summary>Generates all images once, since they are read many times.</summary>
    private static InMemoryImageSource Keep(ImageSource images) =>
        new([.. Enumerable.Range(0, images.Count).Select(images.ReadLabeled)], images.ClassNames);

    private static IEnumerable<(Scope Scope, QuantizationMethod Method)> Methods(Scope scope, params string[] names) =>
        names.Select(name => (scope, QuantizationMethod.Find(name)));
}
