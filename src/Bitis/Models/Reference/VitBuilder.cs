using Bitis.Graphs;

namespace Bitis.Models.Reference;

/// <summary>
/// A vision transformer as a graph, with timm's names (<c>timm/models/vision_transformer.py</c>): L tokens, D channels.
/// </summary>
internal static class VitBuilder
{
    public static Graph Build(VitConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        int patch = config.PatchSize;
        Node x = graph.Conv2d("patch_embed.proj", graph.Input, config.Width, patch, stride: patch); // [D, grid, grid]
        x = graph.FlattenSpatial("patch_embed", x); // [grid², D]
        x = graph.InsertToken("cls_token", x, 0, "cls_token"); // [L, D]
        x = graph.AddEmbedding("pos_embed", x, "pos_embed");
        for (int i = 0; i < config.Depth; i++)
        {
            graph.Block = i;
            x = graph.Add($"blocks.{i}.residual1", x, Attend(graph, config, $"blocks.{i}", x));
            x = graph.Add($"blocks.{i}.residual2", x, Mlp(graph, config, $"blocks.{i}", x));
        }
        graph.Block = null;
        x = graph.LayerNorm("norm", x, config.NormEpsilon);
        x = graph.SelectToken("pool", x, 0); // [D]
        return graph.Build(graph.Linear("head", x, config.Classes));
    }

    private static Node Attend(GraphBuilder graph, VitConfig config, string name, Node x)
    {
        x = graph.LayerNorm($"{name}.norm1", x, config.NormEpsilon);
        x = graph.Linear($"{name}.attn.qkv", x, 3 * config.Width); // [L, 3D]
        x = graph.Attention($"{name}.attn", x, config.Heads); // [L, D]
        return graph.Linear($"{name}.attn.proj", x, config.Width);
    }

    private static Node Mlp(GraphBuilder graph, VitConfig config, string name, Node x)
    {
        x = graph.LayerNorm($"{name}.norm2", x, config.NormEpsilon);
        x = graph.Linear($"{name}.mlp.fc1", x, config.HiddenWidth);
        x = graph.Gelu($"{name}.mlp.act", x);
        return graph.Linear($"{name}.mlp.fc2", x, config.Width);
    }
}
