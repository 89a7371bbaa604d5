using System.Numerics;
using System.Runtime.InteropServices;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), for gradient g at step t:
/// <code>
///   m = β₁·m + (1 − β₁)·g        v = β₂·v + (1 − β₂)·g²
///   w = w − η·λ·w − η·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// </code>
/// </summary>
public sealed class AdamW
{
    private readonly double _beta1, _beta2, _epsilon, _weightDecay;
    private readonly HashSet<string> _decaying;

    /// <summary>Starts with moments of zero.</summary>
    /// <param name="graph">The model, which tells the weights that decay from those that do not.</param>
    /// <param name="recipe">β₁, β₂, ε and λ.</param>
    public AdamW(Graph graph, TrainingRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(recipe);
        (_beta1, _beta2, _epsilon, _weightDecay) = (recipe.Beta1, recipe.Beta2, recipe.Epsilon, recipe.WeightDecay);
        _decaying = [.. graph.Nodes.Where(node => node.Operator is Linear or Conv2d or CausalConv1d).Select(node => node.ParameterNames[0])];
        Moments1 = graph.Parameters.ToDictionary(parameter => parameter.Name, parameter => new Tensor(parameter.Shape));
        Moments2 = graph.Parameters.ToDictionary(parameter => parameter.Name, parameter => new Tensor(parameter.Shape));
    }

    /// <summary>m, by parameter.</summary>
    public IReadOnlyDictionary<string, Tensor> Moments1 { get; }

    /// <summary>v, by parameter.</summary>
    public IReadOnlyDictionary<string, Tensor> Moments2 { get; }

    /// <summary>Whether a parameter decays: weights of linear layers and convolutions do, nothing else.</summary>
    public bool Decays(string parameter) => _decaying.Contains(parameter);

    /// <summary>Changes all weights in place.</summary>
    /// <param name="weights">The parameters.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="step">t, counted from 1.</param>
    /// <param name="learningRate">η.</param>
    public void Step(
        IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, Tensor> gradients, long step, double learningRate)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(gradients);
        double correction1 = 1 - Math.Pow(_beta1, step), correction2 = 1 - Math.Pow(_beta2, step);
        foreach ((string name, Tensor weight) in weights)
        {
            var factors = new Factors(
                (float)_beta1,
                (float)(1 - _beta1),
                (float)_beta2,
                (float)(1 - _beta2),
                (float)(Decays(name) ? 1 - (learningRate * _weightDecay) : 1),
                (float)(learningRate / correction1),
                (float)(1 / Math.Sqrt(correction2)),
                (float)_epsilon);
            Update(weight.Span, gradients[name].Span, Moments1[name].Span, Moments2[name].Span, factors);
        }
    }

    private static void Update(Span<float> weight, Span<float> gradient, Span<float> moment1, Span<float> moment2, Factors f)
    {
        Span<Vector<float>> w = MemoryMarshal.Cast<float, Vector<float>>(weight), g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        Span<Vector<float>> m = MemoryMarshal.Cast<float, Vector<float>>(moment1), v = MemoryMarshal.Cast<float, Vector<float>>(moment2);
        var epsilon = new Vector<float>(f.Epsilon);
        for (int i = 0; i < w.Length; i++)
        {
            m[i] = (m[i] * f.Beta1) + (g[i] * f.Rest1);
            v[i] = (v[i] * f.Beta2) + (g[i] * g[i] * f.Rest2);
            w[i] = (w[i] * f.Decay) - (m[i] * f.Rate / ((Vector.SquareRoot(v[i]) * f.Correction) + epsilon));
        }
        for (int i = w.Length * Vector<float>.Count; i < weight.Length; i++)
        {
            moment1[i] = (moment1[i] * f.Beta1) + (gradient[i] * f.Rest1);
            moment2[i] = (moment2[i] * f.Beta2) + (gradient[i] * gradient[i] * f.Rest2);
            weight[i] = (weight[i] * f.Decay) - (moment1[i] * f.Rate / ((MathF.Sqrt(moment2[i]) * f.Correction) + f.Epsilon));
        }
    }

    private readonly record struct Factors(
        float Beta1, float Rest1, float Beta2, float Rest2, float Decay, float Rate, float Correction, float Epsilon);
}
