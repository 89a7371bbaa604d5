using Bitis.Checkpoints;
using Bitis.Execution.Gradients;
using Bitis.Training.Optimization;

namespace Bitis.Training.Loop;

/// <summary>The state that steps change: weights, their average, the optimizer's moments, and the position.</summary>
internal sealed class TrainingState
{
    /// <summary>The state before the first step.</summary>
    /// <param name="model">The model; its weights will be changed in place.</param>
    /// <param name="recipe">The recipe.</param>
    public TrainingState(VisionModel model, TrainingRecipe recipe)
    {
        Model = model;
        Frozen = recipe.Freeze.Count > 0 ? new FrozenLayers(model.Graph, recipe.Freeze) : null;
        Average = new WeightAverage(model.Graph, model.Weights, recipe.AverageDecay, Frozen);
        Optimizer = new AdamW(model.Graph, recipe, Frozen);
    }

    /// <summary>The model that is trained.</summary>
    public VisionModel Model { get; }

    /// <summary>The layers that do not learn; null if all learn.</summary>
    public FrozenLayers? Frozen { get; }

    /// <summary>The average of its weights over the steps.</summary>
    public WeightAverage Average { get; }

    /// <summary>The optimizer, with its moments.</summary>
    public AdamW Optimizer { get; }

    /// <summary>The position of the training.</summary>
    public TrainingPosition Position { get; set; } = TrainingPosition.Start;

    /// <summary>
    /// All tensors, by their name in a checkpoint: <c>weights.head.bias</c>, <c>average.head.bias</c>, ...
    /// </summary>
    public IEnumerable<(string Name, FloatTensor FloatTensor)> Tensors =>
    [
        .. Under(TrainingFile.Weights, Model.Weights),
        .. Under(TrainingFile.Average, Average.Weights),
        .. Under("moment1", Optimizer.FirstMoments),
        .. Under("moment2", Optimizer.SecondMoments),
    ];

    private IEnumerable<(string Name, FloatTensor FloatTensor)> Under(
        string group, IReadOnlyDictionary<string, FloatTensor> tensors) =>
        Model.Graph.Parameters.Where(parameter => tensors.ContainsKey(parameter.Name)).Select(
            parameter => ($"{group}.{parameter.Name}", tensors[parameter.Name]));
}
