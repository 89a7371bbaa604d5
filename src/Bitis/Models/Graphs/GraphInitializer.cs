using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Models.Graphs;

/// <summary>Fresh weights by operator, for graphs that no family initializes; from one seed.</summary>
/// <remarks>
/// Norms start with 1 and 0. A, D and the bias before Δ start as in Mamba. Embeddings and the last layer are normal
/// with a standard deviation of 0.02. Other layers are uniform between ±1/√(fan-in).
/// </remarks>
internal static class GraphInitializer
{
    private const double Deviation = 0.02;

    public static Dictionary<string, FloatTensor> Create(Graph graph, ulong seed)
    {
        HashSet<Node> deltas =
            [.. graph.Nodes.Where(node => node.Operator is SelectiveScan).Select(scan => DeltaLayer(scan.Inputs[1]))];
        return Initialization.Create(
            graph,
            seed,
            (node, role, random) => Distribution(node, role, node == graph.Output, deltas.Contains(node), random));
    }

    private static Func<int, double> Distribution(
        Node node, string role, bool isHead, bool isDelta, SeededRandom random) => node.Operator switch
        {
            SelectiveScan scan => role == "D" ? _ => 1 : Initialization.LogStates(scan.States),
            RmsNorm or LayerNorm or GroupNorm or MeanOfNorms => role == "weight" ? _ => 1 : _ => 0,
            BatchNorm => role is "weight" or "running_var" ? _ => 1 : _ => 0,
            InsertToken or AddEmbedding => Initialization.TruncatedNormal(random, Deviation),
            Linear when isHead => role == "weight" ? Initialization.TruncatedNormal(random, Deviation) : _ => 0,
            Linear when isDelta && role == "bias" => Initialization.DeltaBias(random),
            _ => Initialization.Uniform(random, Initialization.FanIn(node.Operator)),
        };

    /// <summary>
    /// The layer that computes Δ, before the softplus and any reordering of tokens or slicing of channels.
    /// </summary>
    private static Node DeltaLayer(Node node)
    {
        while (node.Operator is Softplus or ReverseTokens or ArrangeTokens or SliceChannels)
            node = node.Inputs[0];
        return node;
    }
}
