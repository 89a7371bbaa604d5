using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>Random weights and images, of sizes at which values neither vanish nor explode.</summary>
internal static class GraphWeights
{
    /// <summary>Weights of all parameters; each depends on its name and the seed alone.</summary>
    public static Dictionary<string, FloatTensor> Of(Graph graph, ulong seed)
    {
        var weights = new Dictionary<string, FloatTensor>();
        foreach (Node node in graph.Nodes)
        {
            for (int i = 0; i < node.ParameterNames.Count; i++)
            {
                ParameterSpec spec = node.Operator.Parameters[i];
                weights.TryAdd(
                    node.ParameterNames[i],
                    Draw(node.Operator, spec, SeededRandom.ForPart(seed, Hash(node.ParameterNames[i]))));
            }
        }
        return weights;
    }

    /// <summary>Pixels from −1 to 1.</summary>
    public static FloatTensor Images(Graph graph, int count, ulong seed)
    {
        var random = SeededRandom.ForPart(seed, 0);
        return Fill(new FloatTensor(graph.Input.Shape.Prepend(count)), () => random.NextSingle(-1, 1));
    }

    private static FloatTensor Draw(Operator op, ParameterSpec spec, SeededRandom random)
    {
        var tensor = new FloatTensor(spec.Shape);
        float bound = spec.Shape.Rank < 2 ? 0.3f : 1.7f / MathF.Sqrt(spec.Shape.DropFirst().ElementCount);
        return spec.Role switch
        {
            "weight" when op is RmsNorm or LayerNorm or GroupNorm or MeanOfNorms or BatchNorm =>
                Fill(tensor, () => random.NextSingle(0.4f, 1.4f)),
            "A_log" => Fill(tensor, () => random.NextSingle(-0.7f, 1.5f)),
            "running_var" => Fill(tensor, () => random.NextSingle(0.3f, 1.5f)),
            "D" => Fill(tensor, () => random.NextSingle(-1, 1)),
            "token" or "embedding" => Fill(tensor, () => random.NextSingle(-0.7f, 0.7f)),
            _ => Fill(tensor, () => random.NextSingle(-bound, bound)),
        };
    }

    private static FloatTensor Fill(FloatTensor tensor, Func<float> next)
    {
        foreach (ref float value in tensor.Span)
            value = next();
        return tensor;
    }

    /// <summary>FNV-1a: the same on every run, unlike <see cref="string.GetHashCode()"/>.</summary>
    private static ulong Hash(string text) =>
        text.Aggregate(14695981039346656037UL, (hash, letter) => (hash ^ letter) * 1099511628211UL);
}
