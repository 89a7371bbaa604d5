using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Kernels.Optimization;
using Bitis.Tensors;

namespace Bitis.Training.Optimization;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, 2019).</summary>
/// <remarks>
/// For the gradient g of step t, counted from 1:
/// <code>
///   m = β₁·m + (1 − β₁)·g        v = β₂·v + (1 − β₂)·g²
///   w = w − η·λ·w − η·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// </code>
/// λ applies to the weights of linear layers and convolutions only, not to norms, biases, A, D, the class token and
/// positions.
/// </remarks>
internal sealed class AdamW
{
    private readonly TrainingRecipe _recipe;
    private readonly HashSet<string> _decaying;
    private readonly ParameterPieces _pieces;

    /// <summary>Starts with moments of zero.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="recipe">β₁, β₂, ε and λ.</param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    public AdamW(Graph graph, TrainingRecipe recipe, FrozenLayers? frozen = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(recipe);
        _recipe = recipe;
        _decaying = [.. graph.Nodes.SelectMany(DecayingParameters)];
        IReadOnlyList<(string Name, Shape Shape)> learning = frozen?.Learning ?? graph.LearningParameters;
        _pieces = new ParameterPieces(learning);
        FirstMoments = learning.ToDictionary(
            parameter => parameter.Name, parameter => new FloatTensor(parameter.Shape));
        SecondMoments = learning.ToDictionary(
            parameter => parameter.Name, parameter => new FloatTensor(parameter.Shape));
    }

    /// <summary>m, the mean gradient, by parameter that learns.</summary>
    public IReadOnlyDictionary<string, FloatTensor> FirstMoments { get; }

    /// <summary>v, the mean squared gradient, by parameter that learns.</summary>
    public IReadOnlyDictionary<string, FloatTensor> SecondMoments { get; }

    /// <summary>Whether a parameter decays.</summary>
    public bool Decays(string parameter) => _decaying.Contains(parameter);

    /// <summary>Changes all weights that learn in place, in one pass over the memory.</summary>
    /// <param name="weights">The parameters, by name.</param>
    /// <param name="gradients">Their gradients; not changed.</param>
    /// <param name="step">t, counted from 1.</param>
    /// <param name="learningRate">η.</param>
    /// <param name="gradientFactor">
    /// What gradients are multiplied with first (<see cref="GradientClipping.Factor"/>).
    /// </param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. The result does not depend on it.
    /// </param>
    public void Step(
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, FloatTensor> gradients,
        long step,
        double learningRate,
        double gradientFactor = 1,
        int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(gradients);
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        double beta1 = _recipe.Beta1, beta2 = _recipe.Beta2;
        var kept = new AdamWCoefficients(
            (float)gradientFactor,
            (float)beta1,
            (float)(1 - beta1),
            (float)beta2,
            (float)(1 - beta2),
            Keep: 1,
            (float)(learningRate / (1 - Math.Pow(beta1, step))),
            (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step))),
            (float)_recipe.Epsilon);
        AdamWCoefficients decayed = kept with { Keep = (float)(1 - learningRate * _recipe.WeightDecay) };
        _pieces.ForEach(threads, (_, name, start, length) => AdamWUpdate.Run(
            weights[name].Span.Slice(start, length),
            gradients[name].Span.Slice(start, length),
            FirstMoments[name].Span.Slice(start, length),
            SecondMoments[name].Span.Slice(start, length),
            Decays(name) ? decayed : kept));
    }

    /// <summary>
    /// Matrices and filters decay. Parameters that shift or scale single channels or positions do not.
    /// </summary>
    private static IEnumerable<string> DecayingParameters(Node node) => node.ParameterNames
        .Zip(node.Operator.Parameters)
        .Where(parameter => parameter.Second is { Role: "weight", Shape.Rank: > 1 })
        .Select(parameter => parameter.First);
}
