using System.CommandLine;
using System.Text.Json.Nodes;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Models.Catalogue;
using Bitis.Quantization.Methods;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary>
/// <c>bitis demo</c>: a trained model through every method at three bit widths, with nothing to download.
/// </summary>
internal sealed class DemoCommand : BitisCommand
{
    private const string Model = "vim-micro-builtin";
    private const int CalibrationImages = 64, LearningSteps = 10, Batch = 32, LatencyRuns = 100, Warmup = 20;

    private static readonly BitWidths[] BitWidthsShown = [new(8, 8), new(6, 6), new(4, 4)];

    /// <summary>Methods in the scope that they were made for, and min-max in both.</summary>
    private static readonly (Scope Scope, QuantizationMethod Method)[] Shown =
    [
        .. Methods(Scope.Linear, "minmax", "percentile", "mse", "smoothquant", "ptq4vm", "ptq4vm+"),
        .. Methods(Scope.Ssm, "minmax", "qmamba", "qmamba+"),
    ];

    private readonly Option<int> _threads = CommonOptions.Threads("How many threads the latency is measured with.", 1);

    /// <summary>Creates the command.</summary>
    public DemoCommand(CliContext context)
        : base(
            "demo",
            "Quantizes a small trained model by each method, and measures accuracy, size and speed. Needs no files.",
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
        using InferenceSession original = InferenceSession.Create(model, cancellationToken: Context.Cancellation);
        EvaluationResult floats = Evaluate(original, [], decoded, model);

        var rows = new List<DemoRow>();
        foreach (BitWidths bits in BitWidthsShown)
        {
            foreach ((Scope scope, QuantizationMethod method) in Shown)
            {
                progress.Report(
                    new WorkProgress("quantizing and measuring", rows.Count, Shown.Length * BitWidthsShown.Length));
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                    model, calibrationSet, RecipeOf(scope, method, bits), cancellationToken: Context.Cancellation);
                using InferenceSession session = InferenceSession.Create(
                    quantized, cancellationToken: Context.Cancellation);
                EvaluationResult result = Evaluate(session, [original.Run], decoded, model);
                (double latency, double floatLatency) = MeasureLatency(quantized, model, decoded, threads);
                rows.Add(new DemoRow(
                    bits,
                    scope,
                    method.Name,
                    result.Top1,
                    result.Agreements[0].Top1,
                    quantized.Save(Stream.Null, Context.Cancellation),
                    latency,
                    floatLatency));
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
                floats.Top1,
                new FileInfo(ShippedModels.Find(Model)!).Length,
                rows.Select(row => row.FloatLatencyMs).Order().ElementAt(rows.Count / 2)),
            rows);
    }

    /// <summary>
    /// Learning takes a quarter of its usual steps, so that all of the demo takes less than a minute.
    /// </summary>
    private static Recipe RecipeOf(Scope scope, QuantizationMethod method, BitWidths bits)
    {
        var recipe = new Recipe { Scope = scope, Method = method.Name, Bits = bits };
        return method.SettingNames.Contains("learning")
            ? recipe.WithSettings(new JsonObject { ["learning"] = new JsonObject { ["steps"] = LearningSteps } })
            : recipe;
    }

    private EvaluationResult Evaluate(
        InferenceSession session, IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> references,
        ImageSource test, VisionModel model) =>
        new Evaluator(session.Run, model.Config.Classes, model.ClassNames, references) { BatchSize = Batch }
            .Run(test, model.Preprocessing, progress: null, Context.Cancellation);

    /// <summary>Milliseconds for one image, the two models in turn.</summary>
    private (double Quantized, double Float) MeasureLatency(
        QuantizedModel quantized, VisionModel model, ImageSource test, int threads)
    {
        var options = new SessionOptions { Threads = threads };
        using InferenceSession
            session = InferenceSession.Create(quantized, options, Context.Cancellation),
            original = InferenceSession.Create(model, options, Context.Cancellation);
        FloatTensor image = model.Preprocessing.Apply(test.Read(0));
        IReadOnlyList<Latency> latencies = Latency.Measure(
            [session.Run, original.Run], image.Reshape(image.Shape.Prepend(1)), Warmup, LatencyRuns, progress: null,
                Context.Cancellation);
        return (latencies[0].Median.TotalMilliseconds, latencies[1].Median.TotalMilliseconds);
    }

    /// <summary>The images themselves instead of the way to make them, since they are read many times.</summary>
    private static InMemoryImageSource Keep(ImageSource images) =>
        new([.. Enumerable.Range(0, images.Count).Select(images.ReadLabeled)], images.ClassNames);

    private static IEnumerable<(Scope Scope, QuantizationMethod Method)> Methods(Scope scope, params string[] names) =>
        names.Select(name => (scope, QuantizationMethod.Find(name)));
}
