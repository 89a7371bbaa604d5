using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis demo</c>: the whole way on a small model and generated images, with nothing to download.</summary>
internal sealed class DemoCommand : BitisCommand
{
    private const int Classes = 10, CalibrationImages = 32, TestImages = 128, Batch = 16, LatencyRuns = 30, Warmup = 5;

    private static readonly BitWidths[] BitWidthsShown = [new(8, 8), new(6, 6), new(4, 4)];

    private static readonly VimConfig Config = new()
    {
        ImageSize = 64,
        PatchSize = 8,
        Stride = 8,
        Width = 128,
        InnerWidth = 256,
        Depth = 6,
        DeltaRank = 8,
        Classes = Classes,
    };

    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<int> _threads = CommonOptions.Number("--threads", "How many threads compute.", 1, minimum: 1);

    /// <summary>Creates the command.</summary>
    public DemoCommand(CliContext context)
        : base(
            "demo",
            "Quantizes a small random Vim by each method and compares the results with float32. Needs no files.",
            "bitis demo",
            context)
    {
        Options.Add(_seed);
        Options.Add(_threads);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        int seed = arguments.GetValue(_seed);
        var sessionOptions = new SessionOptions { Threads = arguments.GetValue(_threads) };
        VisionModel model = VisionModel.CreateRandom(Config, (ulong)seed);
        using var calibration = new SyntheticImageSource(CalibrationImages, Config.ImageSize, Classes, seed);
        using var test = new SyntheticImageSource(TestImages, Config.ImageSize, Classes, seed + 1);
        Tensor[] batches = [.. ImageLoader.Load(calibration, model.Preprocessing, Batch, cancellation: Context.Cancellation).Select(b => b.Images)];
        Tensor one = ImageLoader.Load(test, model.Preprocessing, batchSize: 1).First().Images;
        using InferenceSession original = InferenceSession.Create(model, sessionOptions);

        var rows = new List<DemoRow>();
        int total = QuantizationMethods.Names.Count * BitWidthsShown.Length;
        foreach (BitWidths bits in BitWidthsShown)
        {
            foreach (string method in QuantizationMethods.Names)
            {
                progress.Report(new WorkProgress("quantizing and comparing", rows.Count, total));
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                    model, batches, new Recipe { Method = method, Bits = bits }, cancellationToken: Context.Cancellation);
                using InferenceSession session = InferenceSession.Create(quantized, sessionOptions);
                EvaluationResult result = new Evaluator(session.Run, Classes, original.Run) { BatchSize = Batch }
                    .Run(test, model.Preprocessing, progress: null, Context.Cancellation);
                IReadOnlyList<Latency> latencies =
                    Latency.Measure([session.Run, original.Run], one, Warmup, LatencyRuns, progress: null, Context.Cancellation);
                Agreement agreement = result.Counts.Agreements[0];
                rows.Add(new DemoRow(
                    bits,
                    method,
                    agreement.Top1,
                    agreement.MeanLogitError,
                    FileSize(quantized),
                    latencies[0].Median.TotalMilliseconds,
                    latencies[1].Median.TotalMilliseconds));
            }
        }
        long parameters = model.Weights.Values.Sum(weight => (long)weight.Length);
        return new DemoResult(
            $"Vim, width {Config.Width}, depth {Config.Depth}, {Config.ImageSize}×{Config.ImageSize} pixels, random weights (seed {seed})",
            parameters,
            CalibrationImages,
            TestImages,
            original.Threads,
            rows);
    }

    /// <summary>The size of the model's file, which is written to find out and then removed.</summary>
    private static long FileSize(QuantizedModel model)
    {
        string folder = Directory.CreateTempSubdirectory("bitis-demo-").FullName;
        try
        {
            string path = Path.Combine(folder, "model.bitis");
            model.Save(path);
            return new FileInfo(path).Length;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
