using System.Numerics.Tensors;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Execution.LowBit;
using Bitis.Tensors;
using Bitis.Training.Images;
using Bitis.Training.Optimization;

namespace Bitis.Training.Loop;

/// <summary>
/// One step of a training: augmentation, gradient, clipping, AdamW, average. A step that throws ends the run.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainingRecipe _recipe;
    private readonly TrainingState _state;
    private readonly LearningRateSchedule _schedule;
    private readonly int _stepsPerEpoch;
    private readonly int _threads;
    private readonly GradientExecutor _executor;
    private readonly FloatTensor _targets;

    /// <summary>Prepares the steps of a run.</summary>
    public TrainingStep(
        TrainingRecipe recipe, TrainingState state, LearningRateSchedule schedule, int stepsPerEpoch, int threads)
    {
        _recipe = recipe;
        _state = state;
        _schedule = schedule;
        _stepsPerEpoch = stepsPerEpoch;
        _threads = threads;
        _executor = new GradientExecutor(
            state.Model.Graph, state.Model.Weights, threads, recipe.Backward, state.Frozen);
        _targets = new FloatTensor([recipe.BatchSize, state.Model.Config.Classes]);
    }

    /// <summary>Whether the gradients of this step are compared with the exact ones.</summary>
    /// <remarks>They are in an epoch's first step, if any layer is approximated.</remarks>
    private bool IsCompared =>
        _state.Position.Current.Steps == 0
            && _executor.Layers.Any(layer => layer.Method is not ("exact" or LayerBackward.None));

    /// <summary>Learns from a batch, whose images are changed.</summary>
    /// <exception cref="BitisException">The training diverged; the state is no longer valid.</exception>
    public StepResult Run(ImageBatch batch)
    {
        long step = _state.Position.Steps(_stepsPerEpoch); // counted from 0
        double learningRate = _schedule.At(step);
        int[] labels = [.. batch.Labels.Select(label => label!.Value)];
        _recipe.Augmentation.Apply(batch.Images, labels, _targets, TrainingData.AugmentationSeed(_recipe.Seed, step));
        ulong seed = TrainingData.BackwardSeed(_recipe.Seed, step);
        IReadOnlyDictionary<string, double>? cosines = IsCompared
            ? GradientComparison.Run(
                _state.Model.Graph, _state.Model.Weights, _executor, _state.Frozen, batch.Images, _targets, seed)
            : null;
        BatchLoss result = _executor.Run(batch.Images, _targets, seed);
        if (!double.IsFinite(result.Loss))
            throw Diverged($"the loss is {result.Loss}", learningRate);
        if (result.Logits.FindNonFinite() is { } index)
            throw Diverged($"an answer is {result.Logits.Span[index]}", learningRate);
        double norm = GradientClipping.Norm(_executor.Gradients, _threads);
        if (!double.IsFinite(norm))
            throw Diverged($"the norm of the gradient is {norm}", learningRate);
        double factor = GradientClipping.Factor(norm, _recipe.ClipNorm);
        _state.Optimizer.Step(_state.Model.Weights, _executor.Gradients, step + 1, learningRate, factor, _threads);
        RequireFiniteWeights(learningRate);
        _state.Average.Add(_state.Model.Weights, step + 1, _threads);
        return new StepResult(result.Loss, CountCorrect(result.Logits, labels), norm, cosines);
    }

    /// <inheritdoc />
    public void Dispose() => _executor.Dispose();

    private static int CountCorrect(FloatTensor logits, int[] labels)
    {
        int correct = 0, classes = logits.Shape[1];
        for (int i = 0; i < labels.Length; i++)
        {
            if (TopK.First(logits.Span.Slice(i * classes, classes)) == labels[i])
                correct++;
        }
        return correct;
    }

    /// <summary>With a finite gradient, a weight can still overflow float32. Such weights must not be saved.</summary>
    private void RequireFiniteWeights(double learningRate)
    {
        foreach ((string name, FloatTensor weight) in _state.Model.Weights)
        {
            if (!TensorPrimitives.IsFiniteAll<float>(weight.Span))
                throw Diverged($"'{name}' has a weight that is not finite", learningRate);
        }
    }

    private BitisException Diverged(string what, double learningRate) => new(
        $"The training diverged: {what} in epoch {_state.Position.Finished.Count + 1}, step "
        + $"{_state.Position.Current.Steps + 1} of "
        + $"{_stepsPerEpoch}, at a learning rate of {learningRate:G4}. Train again with a lower learning rate or more "
        + "warm-up epochs. "
        + "The last checkpoint is as it was.");
}
