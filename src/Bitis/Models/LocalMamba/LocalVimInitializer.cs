using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Models.LocalMamba;

/// <summary>Fresh weights for a LocalVim, distributed as the official code initializes them; from one seed.</summary>
internal static class LocalVimInitializer
{
    private const double Deviation = 0.02;

    public static Dictionary<string, FloatTensor> Create(LocalVimConfig config, ulong seed) => Initialization.Create(
        config.BuildGraph(), seed, (node, role, random) => Distribution(node, role, config.Directions.Count, random));

    private static Func<int, double> Distribution(Node node, string role, int depth, SeededRandom random) =>
        node.Operator switch
        {
            SelectiveScan scan => role == "D" ? _ => 1 : Initialization.LogStates(scan.States),
            RmsNorm or LayerNorm or MeanOfNorms => role == "weight" ? _ => 1 : _ => 0,
            InsertToken => _ => 0,
            AddEmbedding => Initialization.TruncatedNormal(random, Deviation),
            // Each block adds one branch to the residual stream. This keeps its variance independent of the depth.
            Linear linear when node.Name.EndsWith(".out_proj", StringComparison.Ordinal) =>
                Initialization.Uniform(random, linear.InFeatures * (double)depth),
            // The official rule for linear layers also applies to those of Δ: their biases are 0, and Δ starts at ln 2.
            Linear => role == "weight" ? Initialization.TruncatedNormal(random, Deviation) : _ => 0,
            _ => Initialization.Uniform(random, Initialization.FanIn(node.Operator)),
        };
}
