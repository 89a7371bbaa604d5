using System.Diagnostics;
using System.Globalization;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Imaging;
using Bitis.Models.Catalogue;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Benchmarks;

/// <summary>
/// Accuracy by method and bit width: top-1 of the integer runtime on all test images, as the mean and the spread (half
/// the distance of the extremes) over several draws of 256 calibration images.
/// </summary>
internal static class MethodsBenchmark
{
    private const int CalibrationImages = 256, Batch = 32;

    private static readonly string[] AllBits = ["w8a8", "w6a6", "w4a8", "w4a4"];

    private static readonly LearningRecipe NoSteps = new() { Steps = 0 };

    private static readonly SmoothedLearningSettings
        AllImages = new() { Learning = new() { BatchSize = CalibrationImages } };

    /// <summary>The rows of the table: the methods, and PTQ4VM's parts by themselves.</summary>
    private static readonly (string Name, Recipe Recipe)[] Rows =
    [
        ("minmax", new() { Method = "minmax" }),
        ("minmax, per token", new() { Method = "minmax", ActivationGranularity = Granularity.PerToken }),
        ("percentile", new() { Method = "percentile" }),
        ("percentile, per token", new() { Method = "percentile", ActivationGranularity = Granularity.PerToken }),
        ("mse", new() { Method = "mse" }),
        ("mse, per token", new() { Method = "mse", ActivationGranularity = Granularity.PerToken }),
        ("smoothquant", new() { Method = "smoothquant" }),
        ("smoothquant, per token", new() { Method = "smoothquant", ActivationGranularity = Granularity.PerToken }),
        ("ptq4vm: PTS",
            new() { Method = "ptq4vm", Settings = new Ptq4vmSettings { Smoothing = false, Learning = NoSteps } }),
        ("ptq4vm: PTS, smoothing", new() { Method = "ptq4vm", Settings = new Ptq4vmSettings { Learning = NoSteps } }),
        ("ptq4vm: PTS, JLSS", new() { Method = "ptq4vm", Settings = new Ptq4vmSettings { Smoothing = false } }),
        ("ptq4vm: smoothing, JLSS", new() { Method = "ptq4vm", ActivationGranularity = Granularity.PerTensor }),
        ("ptq4vm --official", new() { Method = "ptq4vm", Settings = new Ptq4vmSettings { Official = true } }),
        ("ptq4vm", new() { Method = "ptq4vm" }),
        ("ptq4vm+: PTS, smoothing",
            new() { Method = "ptq4vm+", Settings = new SmoothedLearningSettings { Learning = NoSteps } }),
        ("ptq4vm+, per tensor, all images in a step",
            new() { Method = "ptq4vm+", ActivationGranularity = Granularity.PerTensor, Settings = AllImages }),
        ("ptq4vm+, all images in a step", new() { Method = "ptq4vm+", Settings = AllImages }),
        ("ptq4vm+", new() { Method = "ptq4vm+" }),
        ("ssm: minmax", new() { Method = "minmax", Scope = Scope.Ssm }),
        ("ssm: percentile", new() { Method = "percentile", Scope = Scope.Ssm }),
        ("ssm: mse", new() { Method = "mse", Scope = Scope.Ssm }),
        (
            "ssm: mse, per token",
            new() { Method = "mse", Scope = Scope.Ssm, ActivationGranularity = Granularity.PerToken }),
        ("ssm: log2", new() { Method = "log2", Scope = Scope.Ssm }),
        ("ssm: quamba", new() { Method = "quamba", Scope = Scope.Ssm }),
        ("ssm: smoothquant", new() { Method = "smoothquant", Scope = Scope.Ssm }),
        ("ssm: ptq4vm", new() { Method = "ptq4vm", Scope = Scope.Ssm }),
        ("ssm: ptq4vm+", new() { Method = "ptq4vm+", Scope = Scope.Ssm }),
        (
            "ssm: qmamba, neither",
            new() { Method = "qmamba", Scope = Scope.Ssm, Decay = DecaySpacing.Uniform, TimeGroups = 1 }),
        ("ssm: qmamba, LtSQ", new() { Method = "qmamba", Scope = Scope.Ssm, TimeGroups = 1 }),
        ("ssm: qmamba, TGQ", new() { Method = "qmamba", Scope = Scope.Ssm, Decay = DecaySpacing.Uniform }),
        ("ssm: qmamba", new() { Method = "qmamba", Scope = Scope.Ssm }),
        ("ssm: ptq4vm+qmamba", new() { Method = "ptq4vm+qmamba", Scope = Scope.Ssm }),
        .. Array.ConvertAll<int, (string, Recipe)>(
            [1, 2, 4, 16, 32], groups => (
                $"ssm: qmamba+, {groups} groups",
                new() { Method = "qmamba+", Scope = Scope.Ssm, TimeGroups = groups })),
        ("ssm: qmamba+, uniform decay", new() { Method = "qmamba+", Scope = Scope.Ssm, Decay = DecaySpacing.Uniform }),
        ("ssm: qmamba+", new() { Method = "qmamba+", Scope = Scope.Ssm }),
        .. QuantizationMethod.Names.Select(
            method => ($"full: {method}", new Recipe { Method = method, Scope = Scope.Full })),
    ];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="modelName">A checkpoint, or a model that ships.</param>
    /// <param name="calibrationData">Images to calibrate with.</param>
    /// <param name="testData">Images to test with.</param>
    /// <param name="seeds">How many draws of calibration images.</param>
    /// <param name="row">A row, or the beginning of some with a star; null for all.</param>
    /// <param name="bits">The bit widths, with commas; null for all.</param>
    public static void Run(
        string modelName, string calibrationData, string testData, int seeds, string? row, string? bits)
    {
        VisionModel model = ShippedModels.Names.Contains(modelName)
            ? VisionModel.LoadShipped(modelName)
            : VisionModel.Load(modelName);
        using ImageSource calibration = ImageSource.Open(calibrationData), test = ImageSource.Open(testData);
        var tests = new InMemoryImageSource(
            [.. Enumerable.Range(0, test.Count).Select(test.ReadLabeled)], test.ClassNames);
        CalibrationSet[] draws = [.. Enumerable.Range(0, seeds).Select(seed => Draw(calibration, model, seed))];
        using InferenceSession original = InferenceSession.Create(model);
        double reference = Accuracy(original, model, tests);
        string[] widths = bits?.Split(',') ?? AllBits;
        Console.WriteLine($"{modelName}: float32 {Percent(reference)} on {test.Count} images of {testData}; "
            + $"{CalibrationImages} calibration images, {seeds} draws");
        Console.WriteLine($"| method | {string.Join(" | ", widths)} | s a model |");
        Console.WriteLine($"|---|{string.Concat(widths.Select(_ => "---|"))}---|");
        foreach ((string name, Recipe recipe) in
            Rows.Where(
                entry => row is null || entry.Name == row
                    || (row.EndsWith('*') && entry.Name.StartsWith(row[..^1], StringComparison.Ordinal))))
        {
            var cells = new List<string>();
            long started = Stopwatch.GetTimestamp(), quantizing = 0;
            foreach (string width in widths)
            {
                double[] accuracies = [.. draws.Select(draw =>
                {
                    long start = Stopwatch.GetTimestamp();
                    QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                        model, draw, recipe with { Bits = BitWidths.Parse(width) });
                    quantizing += Stopwatch.GetTimestamp() - start;
                    using InferenceSession session = InferenceSession.Create(quantized);
                    return Accuracy(session, model, tests);
                })];
                double mean = accuracies.Average();
                cells.Add($"{Percent(mean)} ± {Number(50 * (accuracies.Max() - accuracies.Min()))} "
                    + $"({Signed(100 * (mean - reference))})");
            }
            double seconds = Stopwatch.GetElapsedTime(0, quantizing).TotalSeconds / (widths.Length * seeds);
            Console.WriteLine($"| {name} | {string.Join(" | ", cells)} | {Number(seconds)} |");
        }
    }

    private static CalibrationSet Draw(ImageSource source, VisionModel model, int seed)
    {
        using ImageSource images = source.Take(CalibrationImages, seed);
        return CalibrationSet.FromTensors(
            ImageLoader.Load(images, model.Preprocessing, Batch).Select(batch => batch.Images));
    }

    private static double Accuracy(InferenceSession session, VisionModel model, ImageSource test) =>
        new Evaluator(session.Run, model.Config.Classes, model.ClassNames, []) { BatchSize = Batch }
            .Run(test, model.Preprocessing, progress: null, CancellationToken.None).Top1!.Value;

    private static string Percent(double share) => DisplayText.Percent(share);

    private static string Number(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    private static string Signed(double value) => value.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);
}
