using System.Globalization;
using Bitis.Data.Decoding;
using Bitis.Execution.LowBit;
using Bitis.Imaging;
using Bitis.Models.Catalogue;
using Bitis.Models.Reference;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// What the methods of the backward pass cost in accuracy: the same training with each of them, from scratch or from a
/// checkpoint with a new head, from one seed or several. Each training has a folder of its own under
/// <c>runs/backward</c>: a comparison that was stopped goes on where it was, and one that is finished only prints its
/// table.
/// </summary>
internal static class BackwardBenchmark
{
    private const int BatchSize = 64;
    private const double FromScratch = 1.5e-3, OfTransformers = 5e-4, FineTuning = 1e-3;

    /// <summary>Trains a model with each method, and prints a row of a table for each.</summary>
    /// <param name="model">An architecture's name, or a checkpoint to fine-tune.</param>
    /// <param name="train">The images to train with.</param>
    /// <param name="test">The images to measure the accuracy with at the end.</param>
    /// <param name="epochs">How often each image is seen.</param>
    /// <param name="take">How many of the training images; null for all.</param>
    /// <param name="seeds">From how many seeds each method trains: of the weights at the start, the order, the
    /// augmentation and the rounding.</param>
    /// <param name="methods">The methods, with commas, as <see cref="BackwardPolicyText"/> takes them; null for all
    /// with their usual settings.</param>
    public static void Run(string model, string train, string test, int epochs, int? take, int seeds, string? methods)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        using ImageSource all = ImageSource.Open(train), validation = ImageSource.Open(test);
        var data = new TrainingData(take is { } count ? all.Take(count, seed: 0) : all, validation);
        VisionModel? checkpoint = SmallModels.Names.Contains(model)
            ? null
            : VisionModel.Load(ShippedModels.Find(model) ?? model);
        var recipe = new TrainingRecipe
        {
            Model = checkpoint is null ? model : "vim-micro",
            Config = checkpoint?.WithNewHead(data.Classes, seed: 0).Config,
            Epochs = epochs,
            BatchSize = BatchSize,
            LearningRate = checkpoint is not null
                ? FineTuning
                : SmallModels.Get(model, data.Classes) is VitConfig ? OfTransformers : FromScratch,
            EvaluationInterval = epochs,
        };
        string images = string.Concat(
            train.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '-'));
        string place = Path.Combine(
            "runs", "backward", $"{Path.GetFileNameWithoutExtension(model)}-{images}-{epochs}-{data.Training.Count}");
        Console.WriteLine(
            $"{model}, {data.Training.Description}, {epochs} epochs in batches of {BatchSize}, learning rate "
            + $"{recipe.LearningRate}; {validation.Description}; {seeds} seeds");
        Console.WriteLine();
        Console.WriteLine(
            "| method | low-bit layers | top-1 | loss of training | cosine, mean | at worst | images/s |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (string method in methods?.Split(',') ?? BackwardMethods.Names)
        {
            BackwardPolicy policy = BackwardPolicyText.Parse(method);
            var finished = new List<Trainer>();
            for (int seed = 0; seed < seeds; seed++)
            {
                Trainer trainer = Continue(
                    recipe with { Seed = seed, Backward = policy },
                    data,
                    Path.Combine(place, $"{method.Replace(':', '-')}-{seed}"),
                    checkpoint?.WithNewHead(data.Classes, (ulong)seed));
                try
                {
                    trainer.Run(progress: null, stop.Token);
                }
                catch (OperationCanceledException)
                {
                    Console.WriteLine();
                    Console.WriteLine($"Stopped within {method}, seed {seed}, epoch {trainer.Epochs.Count + 1} of "
                        + $"{epochs}; the same command goes on.");
                    return;
                }
                finished.Add(trainer);
            }
            Console.WriteLine(Row(method, policy, finished));
        }
    }

    private static Trainer Continue(TrainingRecipe recipe, TrainingData data, string folder, VisionModel? initial) =>
        File.Exists(new TrainingFolder(folder).Checkpoint)
            ? Trainer.Resume(recipe, data, folder)
            : Trainer.Create(recipe, data, folder, initial: initial);

    // Means over the seeds; of the accuracy that of each seed, too.
    private static string Row(string method, BackwardPolicy policy, List<Trainer> trainers)
    {
        EpochRecord[] last = [.. trainers.Select(trainer => trainer.Epochs[^1])];
        IReadOnlyList<LayerBackward> layers = policy.Select(trainers[0].Model.Graph);
        double[] cosines = [.. last.SelectMany(epoch => epoch.GradientCosines?.Values ?? [])];
        double[] accuracies = [.. last.Select(epoch => epoch.ValidationTop1!.Value)];
        string[] cells =
        [
            method,
            $"{layers.Count(layer => layer.Method != "exact")} of {layers.Count}",
            DisplayText.Percent(accuracies.Average())
                + (accuracies.Length > 1 ? $" ({string.Join(", ", accuracies.Select(DisplayText.Percent))})" : ""),
            Number(last.Average(epoch => epoch.TrainLoss), "F4"),
            cosines.Length > 0 ? Number(cosines.Average(), "F3") : "",
            cosines.Length > 0 ? Number(cosines.Min(), "F3") : "",
            Number(last.Average(epoch => epoch.ImagesPerSecond), "F0"),
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
