using Bitis.Graphs;

namespace CustomBackbone;

/// <summary>
/// A small causal Mamba over gray images: patches, blocks that scan the tokens once, and the last token for the head.
/// Nodes have the names of the modules in the PyTorch code, so that its <c>state_dict</c> fits as it is.
/// </summary>
internal static class GrayMamba
{
    public const int ImageSize = 28;
    private const int Patch =
        4, Width = 32, Inner = 2 * Width, States = 8, Rank = 4, Kernel = 4, Depth = 2, Classes = 10;

    public static Graph Build()
    {
        var graph = new GraphBuilder([1, ImageSize, ImageSize]);
        Node x = graph.Conv2d("patch_embed", graph.Input, Width, kernelSize: Patch, stride: Patch); // [D, 7, 7]
        x = graph.AddEmbedding("positions", graph.FlattenSpatial("tokens", x), "pos_embed"); // [49, D]
        for (int i = 0; i < Depth; i++)
        {
            graph.Block = i;
            x = graph.Add($"layers.{i}", x, Mixer(graph, $"layers.{i}.mixer", graph.RmsNorm($"layers.{i}.norm", x)));
        }
        graph.Block = null;
        x = graph.RmsNorm("norm_f", x);
        return graph.Build(graph.Linear("head", graph.SelectToken("last", x, x.Shape[0] - 1), Classes));
    }

    private static Node Mixer(GraphBuilder graph, string name, Node tokens)
    {
        Node xz = graph.Linear($"{name}.in_proj", tokens, 2 * Inner, hasBias: false);
        Node u = graph.CausalConv1d($"{name}.conv1d", graph.SliceChannels($"{name}.x", xz, 0, Inner), Kernel);
        u = graph.Silu($"{name}.u", u);
        Node dbc = graph.Linear($"{name}.x_proj", u, Rank + 2 * States, hasBias: false);
        Node delta = graph.Linear($"{name}.dt_proj", graph.SliceChannels($"{name}.dt", dbc, 0, Rank), Inner);
        delta = graph.Softplus($"{name}.delta", delta);
        Node b = graph.SliceChannels($"{name}.B", dbc, Rank, States),
            c = graph.SliceChannels($"{name}.C", dbc, Rank + States, States);
        Node y = graph.SelectiveScan($"{name}.scan", u, delta, b, c, [$"{name}.A_log", $"{name}.D"]);
        Node gate = graph.Silu($"{name}.gate", graph.SliceChannels($"{name}.z", xz, Inner, Inner));
        return graph.Linear($"{name}.out_proj", graph.Multiply($"{name}.gated", y, gate), Width, hasBias: false);
    }
}
