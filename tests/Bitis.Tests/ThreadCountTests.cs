using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Execution.Sessions;
using Bitis.Kernels.Dispatch;
using Bitis.Models.Catalogue;
using Bitis.Training;

namespace Bitis.Tests;

/// <summary>
/// More threads than the limit are refused before anything starts, wherever a caller can ask for them.
/// </summary>
public sealed class ThreadCountTests
{
    private const int TooMany = 20_000;

    private static readonly VisionModel Model =
        VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 2), seed: 1);

    public static TheoryData<int> Bad => [-1, ThreadCount.Limit + 1, TooMany, int.MaxValue];

    [Theory]
    [MemberData(nameof(Bad))]
    public void Numbers_outside_the_limit_are_refused_everywhere(int threads)
    {
        using var images = new SyntheticImageSource(4, 32, classes: 2, seed: 1);
        var data = new TrainingData(images, null);
        using var folder = new TempFolder();
        string run = folder["run"];
        var quantization = new QuantizationOptions { Threads = threads };
        var calibration = CalibrationSet.FromImages(images, Model.Preprocessing);
        var started = new List<int>();
        Action[] uses =
        [
            () => ThreadCount.Resolve(threads),
            () => InferenceSession.Create(Model, new SessionOptions { Threads = threads }),
            () => _ = new VectorizedEvaluator(threads),
            () => ImageLoader.Load(images, Model.Preprocessing, 1, threads),
            () => CalibrationSet.FromImages(images, Model.Preprocessing, threads: threads),
            () => PostTrainingQuantizer.Quantize(Model, calibration, new Recipe(), quantization),
            () => Bitis.Analysis.ScanAnalyzer.Run(Model, Batches(started), threads),
            () => Trainer.Create(new TrainingRecipe { BatchSize = 2 }, data, run, threads),
            () => _ = new GradientExecutor(Model.Graph, Model.Weights, threads),
        ];
        foreach (Action use in uses)
        {
            string message = Assert.Throws<BitisException>(use).Message;
            Assert.Contains($"{threads} threads", message);
            Assert.Contains($"{ThreadCount.Limit}", message);
        }
        Assert.Empty(started);
        Assert.False(Directory.Exists(run));
    }

    [Fact]
    public void Numbers_within_it_are_taken()
    {
        Assert.Equal(1, ThreadCount.Resolve(1));
        Assert.Equal(ThreadCount.Limit, ThreadCount.Resolve(ThreadCount.Limit));
        Assert.InRange(ThreadCount.Resolve(0), 1, ThreadCount.Limit);
    }

    private static IEnumerable<Bitis.FloatTensor> Batches(List<int> started)
    {
        started.Add(1);
        yield break;
    }
}
