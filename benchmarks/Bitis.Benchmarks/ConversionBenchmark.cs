using System.Diagnostics;
using System.Globalization;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Execution.Gradients;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;

namespace Bitis.Benchmarks;

/// <summary>
/// How long a method takes to convert a model (256 images, 100 steps a block, W4A4, all processors), what it spends the
/// time on, and how much memory it needs. The learning's time does not depend on weights and images.
/// </summary>
internal static class ConversionBenchmark
{
    private const int Images = 256, Batch = 16;

    /// <param name="variant">A published variant such as <c>vim-tiny</c>, with random weights, or a model that
    /// ships.</param>
    /// <param name="depth">How many blocks; null for all.</param>
    /// <param name="method">The method.</param>
    public static void Run(string variant, int? depth, string method)
    {
        VisionModel model = ShippedModels.Names.Contains(variant)
            ? VisionModel.LoadShipped(variant)
            : VisionModel.CreateRandom(WithDepth(ModelCatalogue.Get(variant).Config, depth), seed: 0);
        using ImageSource images = new SyntheticImageSource(Images, model.Config.ImageSize, classes: 10, seed: 0);
        // Decoded before the clock starts: making images is no part of the conversion.
        var calibration = CalibrationSet.FromTensors(
            ImageLoader.Load(images, model.Preprocessing, Batch).Select(batch => batch.Images));
        Scope scope = new Recipe { Method = method }.Scan.SearchesOutput ? Scope.Ssm : Scope.Linear;
        var times = new OperationTimes();
        long started = Stopwatch.GetTimestamp();
        PostTrainingQuantizer.Quantize(
            model, calibration, new Recipe
            {
                Method = method,
                Scope = scope,
                Bits = new(4, 4),
            }, new QuantizationOptions { LearningTimes = times });
        TimeSpan total = Stopwatch.GetElapsedTime(started);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{variant}, {model.Graph.BlockCount} blocks, {method} w4a4, {Images} images, "
            + $"{Environment.ProcessorCount} threads: {total.TotalSeconds:F1} s, "
            + $"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0:F0} MiB"));
        double threads = Environment.ProcessorCount, sum = 0;
        foreach ((string kind, bool isBackward, TimeSpan time) in times.Totals)
        {
            sum += time.TotalSeconds / threads;
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {(isBackward ? "backward" : "forward"),-8} {kind,-24} {time.TotalSeconds / threads,8:F2} s"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  the rest (streams, search, packing, "
            + $"optimizer)  {total.TotalSeconds - sum,4:F2} s"));
    }

    private static ModelConfig WithDepth(ModelConfig config, int? depth) => (config, depth) switch
    {
        (_, null) => config,
        (VimConfig vim, { } blocks) => vim with { Depth = blocks },
        _ => throw new BitisException("Only a Vim can be measured with fewer blocks; leave BLOCKS out."),
    };
}
