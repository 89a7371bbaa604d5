using System.Diagnostics;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Models;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>
/// Trains a model epoch by epoch: shuffled batches, augmentation, gradients, clipping, AdamW, weight average, evaluation.
/// Everything random derives from the recipe's seed, the epoch and the step, so a run that stops after any step and goes
/// on from its checkpoint computes the numbers of an uninterrupted one, with any number of threads.
/// </summary>
public sealed class Trainer : IDisposable
{
    private const int EvaluationBatch = 32;

    // Random streams of the seed; the weights themselves start at the seed.
    private const ulong OrderStream = 1UL << 32, AugmentationStream = 2UL << 32;

    private readonly Dictionary<string, Tensor> _weights;
    private readonly GradientExecutor _executor;
    private readonly LearningRateSchedule _schedule;
    private readonly int _stepsPerEpoch;
    private readonly int _threads;
    private readonly List<EpochRecord> _history = [];

    /// <summary>Prepares a training from the model's weights, which are copied.</summary>
    /// <param name="model">Where to start.</param>
    /// <param name="training">The images to learn from, all with labels; must stay open.</param>
    /// <param name="validation">The images to evaluate with after each epoch; null for none.</param>
    /// <param name="recipe">How to train.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <exception cref="BitisException">
    /// The recipe makes no sense, a label is missing or not one of the model's classes, a class has no image, or there are
    /// fewer images than a batch holds.
    /// </exception>
    public Trainer(VisionModel model, ImageSource training, ImageSource? validation, TrainingRecipe recipe, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        TrainingLabels.Check(training, model.Config.Classes, model.ClassNames);
        if (training.Count < recipe.BatchSize)
        {
            throw new BitisException(
                $"{training.Description}: a batch of {recipe.BatchSize} images cannot be filled from {training.Count}. Use a smaller batch.");
        }
        Model = model;
        Training = training;
        Validation = validation;
        Recipe = recipe;
        _threads = threads;
        _stepsPerEpoch = training.Count / recipe.BatchSize;
        _weights = model.Weights.ToDictionary(pair => pair.Key, pair => pair.Value.Clone());
        _executor = new GradientExecutor(model.Graph, _weights, threads);
        _schedule = new LearningRateSchedule(
            recipe.LearningRate, recipe.MinLearningRate, (long)Math.Round(recipe.WarmUpEpochs * _stepsPerEpoch), Steps);
        Optimizer = new AdamW(model.Graph, recipe);
        Average = new WeightAverage(_weights, recipe.AverageDecay);
    }

    /// <summary>The model at the start.</summary>
    public VisionModel Model { get; }

    /// <summary>The images to learn from.</summary>
    public ImageSource Training { get; }

    /// <summary>The images to evaluate with.</summary>
    public ImageSource? Validation { get; }

    /// <summary>How the model is trained.</summary>
    public TrainingRecipe Recipe { get; }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>All steps.</summary>
    public long Steps => (long)_stepsPerEpoch * Recipe.Epochs;

    /// <summary>Whether all epochs are done and recorded.</summary>
    public bool IsDone => _history.Count == Recipe.Epochs;

    /// <summary>The finished epochs.</summary>
    public IReadOnlyList<EpochRecord> History => _history;

    /// <summary>What the current epoch has added up.</summary>
    internal EpochSums Sums { get; private set; } = new();

    /// <summary>The current weights.</summary>
    internal IReadOnlyDictionary<string, Tensor> Weights => _weights;

    /// <summary>The optimizer's state.</summary>
    internal AdamW Optimizer { get; }

    /// <summary>The average of the weights.</summary>
    internal WeightAverage Average { get; }

    /// <summary>The trained model: the averaged weights, copied.</summary>
    public VisionModel ToModel() => Model.WithWeights(Average.Weights.ToDictionary(pair => pair.Key, pair => pair.Value.Clone()));

    /// <summary>Trains to the end of the current epoch, and evaluates.</summary>
    /// <param name="afterStep">Called after each step, when the state may be saved; null for nothing.</param>
    /// <param name="progress">Hears of each step.</param>
    /// <param name="cancellationToken">Stops after a step; the state can be saved and resumed.</param>
    /// <exception cref="BitisException">The loss is not a number any more, or an image is damaged.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the steps done so far count.</exception>
    public EpochRecord RunEpoch(
        Action? afterStep = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (IsDone)
            throw new InvalidOperationException("All epochs are done.");
        int epoch = _history.Count;
        double secondsBefore = Sums.Seconds;
        var watch = Stopwatch.StartNew();
        ImageSource rest = Training.Subset(Order(epoch)[((int)Sums.Steps * Recipe.BatchSize)..]);
        if (Sums.Steps < _stepsPerEpoch)
        {
            foreach (ImageBatch batch in ImageLoader.Load(rest, Model.Preprocessing, Recipe.BatchSize, threads: 2, cancellationToken))
            {
                RunStep(batch, epoch);
                Sums = Sums with { Seconds = secondsBefore + watch.Elapsed.TotalSeconds };
                progress?.Report(Progress(epoch));
                afterStep?.Invoke();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        double? accuracy = Validation is null ? null : Evaluate(Validation, cancellationToken);
        EpochRecord record = Record(epoch, accuracy);
        _history.Add(record);
        Sums = new EpochSums();
        return record;
    }

    /// <summary>The accuracy of the averaged weights on a set of images, from 0 to 1.</summary>
    public double Evaluate(ImageSource images, CancellationToken cancellationToken = default)
    {
        using InferenceSession session = InferenceSession.Create(ToModel(), new SessionOptions { Threads = _threads });
        var evaluator = new Evaluator(session.Run, Model.Config.Classes) { BatchSize = EvaluationBatch };
        return evaluator.Run(images, Model.Preprocessing, progress: null, cancellationToken).Counts.Top1
            ?? throw new BitisException($"{images.Description}: these images have no labels; accuracy cannot be measured.");
    }

    /// <inheritdoc />
    public void Dispose() => _executor.Dispose();

    /// <summary>Takes over the progress of a checkpoint, whose tensors were read into this trainer's.</summary>
    internal void Restore(long step, EpochSums sums, IReadOnlyList<EpochRecord> history)
    {
        Step = step;
        Sums = sums;
        _history.Clear();
        _history.AddRange(history);
    }

    /// <summary>The images of an epoch in their random order, without those that fill no batch.</summary>
    private int[] Order(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, Training.Count)];
        SeededRandom.ForPart((ulong)Recipe.Seed, OrderStream + (ulong)epoch).Shuffle<int>(order);
        return order[..(_stepsPerEpoch * Recipe.BatchSize)];
    }

    private void RunStep(ImageBatch batch, int epoch)
    {
        int[] labels = Array.ConvertAll((int?[])[.. batch.Labels], label => label!.Value);
        Tensor targets = new([labels.Length, Model.Config.Classes]);
        ulong seed = SeededRandom.ForPart((ulong)Recipe.Seed, AugmentationStream + (ulong)Step).NextBits();
        Recipe.Augmentation.Apply(batch.Images, labels, targets, seed);

        double learningRate = _schedule.At(Step);
        BatchLoss loss = _executor.Run(batch.Images, targets);
        double norm = GradientClipping.Clip(_executor.Gradients.Values, Recipe.ClipNorm);
        if (!double.IsFinite(loss.Loss) || !double.IsFinite(norm))
        {
            throw new BitisException(
                $"Epoch {epoch + 1}, step {Step + 1}, learning rate {learningRate:g3}: the loss is {loss.Loss:g4} and the gradient's norm {norm:g4}; "
                + "training has diverged. Lower the learning rate, lengthen the warm-up or clip harder; the last checkpoint is as it was.");
        }
        Step++;
        Optimizer.Step(_weights, _executor.Gradients, Step, learningRate);
        Average.Add(_weights, Step);
        Sums = Sums with
        {
            Images = Sums.Images + labels.Length,
            Steps = Sums.Steps + 1,
            Loss = Sums.Loss + (loss.Loss * labels.Length),
            Correct = Sums.Correct + CountCorrect(loss.Logits, labels),
            GradientNorm = Sums.GradientNorm + norm,
        };
    }

    private static int CountCorrect(Tensor logits, int[] labels)
    {
        int correct = 0, classes = logits.Shape[1];
        for (int i = 0; i < labels.Length; i++)
        {
            if (System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(logits.Span.Slice(i * classes, classes)) == labels[i])
                correct++;
        }
        return correct;
    }

    private TrainingProgress Progress(int epoch)
    {
        double imagesPerSecond = Sums.Images / Math.Max(Sums.Seconds, 1e-9);
        var remaining = TimeSpan.FromSeconds((Steps - Step) * Recipe.BatchSize / imagesPerSecond);
        return new TrainingProgress(
            epoch + 1, Recipe.Epochs, Step, Steps, Sums.Loss / Sums.Images, (double)Sums.Correct / Sums.Images, imagesPerSecond, remaining);
    }

    private EpochRecord Record(int epoch, double? accuracy) => new(
        epoch + 1,
        Step,
        _schedule.At(Step - 1),
        Sums.Loss / Sums.Images,
        (double)Sums.Correct / Sums.Images,
        accuracy,
        Sums.GradientNorm / Sums.Steps,
        Sums.Images / Sums.Seconds,
        Sums.Seconds);
}
