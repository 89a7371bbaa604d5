using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>
/// The distributions that fresh weights of all families are drawn from: functions from an element's index to its value.
/// </summary>
internal static class Initialization
{
    private const double SmallestDelta = 0.001, LargestDelta = 0.1;

    /// <summary>
    /// The weights of a graph, each parameter from random numbers of its own; of nodes that share one, the first
    /// decides.
    /// </summary>
    /// <param name="graph">The model.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <param name="distribution">The distribution of a node's parameter, by its role.</param>
    public static Dictionary<string, FloatTensor> Create(
        Graph graph, ulong seed, Func<Node, string, SeededRandom, Func<int, double>> distribution)
    {
        var weights = new Dictionary<string, FloatTensor>();
        ulong part = 0;
        foreach (Node node in graph.Nodes)
        {
            foreach ((string name, ParameterSpec spec) in node.ParameterNames.Zip(node.Operator.Parameters))
            {
                weights.TryAdd(
                    name, Fill(spec.Shape, distribution(node, spec.Role, SeededRandom.ForPart(seed, part++))));
            }
        }
        return weights;
    }

    /// <summary>What a value of a convolution is the sum of.</summary>
    public static double FanIn(Operator convolution)
    {
        Shape weight = convolution.Parameters[0].Shape;
        return (double)weight.ElementCount / weight[0];
    }

    /// <summary>A tensor with values of a distribution.</summary>
    public static FloatTensor Fill(Shape shape, Func<int, double> distribution)
    {
        FloatTensor tensor = FloatTensor.Uninitialized(shape);
        for (int i = 0; i < tensor.Length; i++)
            tensor.Span[i] = (float)distribution(i);
        return tensor;
    }

    /// <summary>Uniform between ±1/√(fan-in), as PyTorch's layers are by themselves.</summary>
    public static Func<int, double> Uniform(SeededRandom random, double fanIn)
    {
        double bound = 1 / Math.Sqrt(fanIn);
        return _ => bound * (2 * random.NextDouble() - 1);
    }

    /// <summary>Normal with a standard deviation, cut off at twice that.</summary>
    public static Func<int, double> TruncatedNormal(SeededRandom random, double deviation) => _ =>
    {
        double value;
        do
            value = random.NextNormal();
        while (Math.Abs(value) > 2);
        return deviation * value;
    };

    /// <summary>The bias before the softplus, for a Δ that is log-uniform between 0.001 and 0.1 (Mamba).</summary>
    public static Func<int, double> DeltaBias(SeededRandom random) => _ =>
    {
        double delta = Math.Exp(
            Math.Log(SmallestDelta) + random.NextDouble() * (Math.Log(LargestDelta) - Math.Log(SmallestDelta)));
        return delta + Math.Log(-double.ExpM1(-delta));
    };

    /// <summary>A_log of states 1 to N for each channel: A = −1, −2, ..., −N (S4D-real).</summary>
    /// <param name="states">N.</param>
    public static Func<int, double> LogStates(int states) => i => Math.Log(i % states + 1);
}
