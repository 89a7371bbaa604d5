using System.Globalization;
using Bitis.Data;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// What the methods of the reverse pass cost in accuracy: the same training with each of them, from scratch or from a checkpoint with a new head. Each has a
/// folder of its own under <c>runs/backward</c>: a comparison that was stopped goes on where it was, and one that is finished only prints its table.
/// </summary>
internal static class BackwardBenchmark
{
    private const int BatchSize = 64;
    private const double FromScratch = 1.5e-3, OfTransformers = 5e-4, FineTuning = 3e-4;

    /// <summary>Trains a model with each method, and prints a row of a table for each.</summary>
    /// <param name="model">An architecture's name, or a checkpoint to fine-tune.</param>
    /// <param name="train">The images to train with.</param>
    /// <param name="test">The images to measure the accuracy with at the end.</param>
    /// <param name="epochs">How often each image is seen.</param>
    /// <param name="take">How many of the training images; null for all.</param>
    public static void Run(string model, string train, string test, int epochs, int? take)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        using ImageSource all = ImageSource.Open(train), validation = ImageSource.Open(test);
        var data = new TrainingData(take is { } count ? all.Take(count, seed: 0) : all, validation);
        VisionModel? initial = SmallModels.Names.Contains(model) ? null : VisionModel.Load(ShippedModels.Find(model) ?? model).WithNewHead(data.Classes, seed: 0);
        var recipe = new TrainingRecipe
        {
            Model = initial is null ? model : "vim-micro",
            Config = initial?.Config,
            Epochs = epochs,
            BatchSize = BatchSize,
            LearningRate = initial is not null ? FineTuning : SmallModels.Get(model, data.Classes) is VitConfig ? OfTransformers : FromScratch,
            EvaluationInterval = epochs,
        };
        Console.WriteLine($"{model}, {data.Training.Description}, {epochs} epochs in batches of {BatchSize}, learning rate {recipe.LearningRate}; {validation.Description}");
        Console.WriteLine();
        Console.WriteLine("| method | low-bit layers | top-1 | loss of training | cosine, mean | at worst | images/s |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (string method in BackwardMethods.Names)
        {
            string folder = Path.Combine("runs", "backward", $"{Path.GetFileNameWithoutExtension(model)}-{epochs}-{data.Training.Count}", method);
            Trainer trainer = Continue(recipe with { Backward = new BackwardPolicy { Method = method } }, data, folder, initial);
            try
            {
                trainer.Run(progress: null, stop.Token);
            }
            catch (OperationCanceledException)
            {
                Console.WriteLine();
                Console.WriteLine($"Stopped within {method}, epoch {trainer.Epochs.Count + 1} of {epochs}; the same command goes on.");
                return;
            }
            Console.WriteLine(Row(method, trainer));
        }
    }

    private static Trainer Continue(TrainingRecipe recipe, TrainingData data, string folder, VisionModel? initial) =>
        File.Exists(new TrainingFolder(folder).Checkpoint) ? Trainer.Resume(recipe, data, folder) : Trainer.Create(recipe, data, folder, initial: initial);

    private static string Row(string method, Trainer trainer)
    {
        EpochRecord last = trainer.Epochs[^1];
        IReadOnlyList<LayerBackward> layers = new BackwardPolicy { Method = method }.Select(trainer.Model.Graph);
        string cosines = last.GradientCosines is { } values
            ? string.Create(CultureInfo.InvariantCulture, $"{values.Values.Average():F3} | {values.Values.Min():F3}")
            : " | ";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {method} | {layers.Count(layer => layer.Method != "exact")} of {layers.Count} | {100 * last.ValidationTop1:F2} | {last.TrainLoss:F4} | {cosines} | {last.ImagesPerSecond:F0} |");
    }
}
