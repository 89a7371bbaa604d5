using Bitis.Data.BuiltIn;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>A model, images and a recipe so small that an epoch takes milliseconds.</summary>
internal static class TinyTraining
{
    public const int Classes = 3, StepsPerEpoch = 3;

    public static VimConfig Config { get; } = new()
    {
        ImageSize = 8,
        PatchSize = 4,
        Stride = 4,
        Width = 8,
        InnerWidth = 16,
        Depth = 1,
        StateSize = 4,
        DeltaRank = 1,
        Classes = Classes,
    };

    /// <summary>Two epochs of three steps of four images.</summary>
    public static TrainingRecipe Recipe { get; } = new()
    {
        Config = Config,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 0.01,
        WarmUpEpochs = 1,
        Seed = 7,
    };

    /// <summary>Fourteen images, so that two are left over in each epoch, and nine to validate with.</summary>
    public static TrainingData Data() => new(Images(14, seed: 1), Images(9, seed: 2));

    public static ImageSource Images(int count, int seed, int classes = Classes) =>
        new SyntheticImageSource(count, Config.ImageSize, classes, seed);

    /// <summary>All numbers of a training that must not depend on threads or interruptions.</summary>
    public static IEnumerable<float[]> Numbers(Trainer trainer) =>
        trainer.Model.Weights.Values.Concat(trainer.AveragedModel.Weights.Values)
            .Select(tensor => tensor.Span.ToArray())
            .Concat(trainer.Epochs.Select(epoch => (float[])
                [
                    (float)epoch.TrainLoss,
                    (float)epoch.TrainTop1!.Value,
                    (float)epoch.ValidationTop1!.Value,
                    (float)epoch.GradientNorm,
                ]));

    /// <summary>Cancels a training after a number of its steps.</summary>
    public sealed class StopAfter(int steps) : IProgress<TrainingProgress>, IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private int _left = steps;

        public CancellationToken Token => _source.Token;

        public void Dispose() => _source.Dispose();

        public void Report(TrainingProgress value)
        {
            if (--_left == 0)
                _source.Cancel();
        }
    }

    public static Dictionary<string, FloatTensor> RandomTensors(
        IEnumerable<(string Name, Shape Shape)> parameters, ulong seed)
    {
        var random = new SeededRandom(seed);
        return parameters.ToDictionary(
            parameter => parameter.Name,
            parameter => FloatTensor.From(
                parameter.Shape,
                [.. Enumerable.Range(0, (int)parameter.Shape.ElementCount).Select(_ => (float)random.NextNormal())]));
    }
}
