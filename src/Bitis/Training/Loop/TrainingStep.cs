using System.Numerics.Tensors;
using Bitis.Data;
using Bitis.Execution.LowBit;
using Bitis.Training.Losses;
using Bitis.Training.Optimization;
using Bitis.Training.Tasks;

namespace Bitis.Training.Loop;

/// <summary>
/// One step of a training: augmentation, gradient, clipping, AdamW, average. A step that throws ends the run.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    /// <summary>Weights, their average, gradients, sums of two parts, and two moments.</summary>
    private const long CopiesOfWeights = 7;

    private readonly TrainingRecipe _recipe;
    private readonly TrainingState _state;
    private readonly LearningRateSchedule _schedule;
    private readonly int _stepsPerEpoch;
    private readonly int _threads;
    private readonly TrainingTask _task;
    private readonly GradientExecutor _executor;

    /// <summary>Prepares the steps of a run.</summary>
    public TrainingStep(
        TrainingRecipe recipe, TrainingTask task, TrainingState state, LearningRateSchedule schedule,
        int stepsPerEpoch, int threads)
    {
        _task = task;
        _recipe = recipe;
        _state = state;
        _schedule = schedule;
        _stepsPerEpoch = stepsPerEpoch;
        _threads = threads;
        _executor = new GradientExecutor(
            task.Graph, state.Model.Weights, threads, recipe.Backward, state.Frozen);
    }

    /// <summary>The memory for values, gradients, weights and what the optimizer keeps of them.</summary>
    public long Bytes => (_threads * _executor.MicroBatchBytes)
        + (CopiesOfWeights * sizeof(float) * _state.Model.Weights.Values.Sum(weight => (long)weight.Length));

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
        OutputLoss loss = _task.Prepare(batch, TrainingData.AugmentationSeed(_recipe.Seed, step));
        ulong seed = TrainingData.BackwardSeed(_recipe.Seed, step);
        IReadOnlyDictionary<string, double>? cosines = IsCompared
            ? GradientComparison.Run(
                _task.Graph, _state.Model.Weights, _executor, _state.Frozen, batch.Images, loss, seed)
            : null;
        double result = _executor.Run(batch.Images, loss, seed);
        if (!double.IsFinite(result))
            throw Diverged($"the loss is {result}", learningRate);
        if (_task.Fault is { } fault)
            throw Diverged(fault, learningRate);
        double norm = GradientClipping.Norm(_executor.Gradients, _threads);
        if (!double.IsFinite(norm))
            throw Diverged($"the norm of the gradient is {norm}", learningRate);
        double factor = GradientClipping.Factor(norm, _recipe.ClipNorm);
        _state.Optimizer.Step(_state.Model.Weights, _executor.Gradients, step + 1, learningRate, factor, _threads);
        RequireFiniteWeights(learningRate);
        _state.Average.Add(_state.Model.Weights, step + 1, _threads);
        (long correct, long counted) = _task.Score;
        return new StepResult(result, correct, counted, norm, cosines);
    }

    /// <inheritdoc />
    public void Dispose() => _executor.Dispose();

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
