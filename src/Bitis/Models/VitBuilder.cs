using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>A vision transformer as a graph, with timm's names (<c>timm/models/vision_transformer.py</c>): L tokens, D channels.</summary>
internal static class VitBuilder
{
    public static Graph Build(VitConfig config)
    {
        int width = config.Width;
        var graph = new GraphBuilder(config.InputShape);
        var patches = new Conv2d(config.ImageChannels, width, config.PatchSize, config.PatchSize, Padding: 0, HasBias: true);
        Node x = graph.Add("patch_embed.proj", patches, graph.Input); // [D, grid, grid]
        x = graph.Add("patch_embed", new FlattenSpatial(), x); // [grid², D]
        x = graph.Add("cls_token", new InsertToken(0, width), [x], ["cls_token"]); // [L, D]
        x = graph.Add("pos_embed", new AddEmbedding(config.Tokens, width), [x], ["pos_embed"]);
        for (int i = 0; i < config.Depth; i++)
        {
            graph.Block = i;
            x = graph.Add($"blocks.{i}.residual1", new Add(), x, Attend(graph, config, $"blocks.{i}", x));
            x = graph.Add($"blocks.{i}.residual2", new Add(), x, Mlp(graph, config, $"blocks.{i}", x));
        }
        graph.Block = null;
        x = graph.Add("norm", new LayerNorm(width, config.NormEpsilon), x);
        x = graph.Add("pool", new SelectToken(0), x); // [D]
        return graph.Build(graph.Add("head", new Linear(width, config.Classes, HasBias: true), x));
    }

    private static Node Attend(GraphBuilder graph, VitConfig config, string name, Node x)
    {
        x = graph.Add($"{name}.norm1", new LayerNorm(config.Width, config.NormEpsilon), x);
        x = graph.Add($"{name}.attn.qkv", new Linear(config.Width, 3 * config.Width, HasBias: true), x); // [L, 3D]
        x = graph.Add($"{name}.attn", new Attention(config.Width, config.Heads), x); // [L, D]
        return graph.Add($"{name}.attn.proj", new Linear(config.Width, config.Width, HasBias: true), x);
    }

    private static Node Mlp(GraphBuilder graph, VitConfig config, string name, Node x)
    {
        x = graph.Add($"{name}.norm2", new LayerNorm(config.Width, config.NormEpsilon), x);
        x = graph.Add($"{name}.mlp.fc1", new Linear(config.Width, config.HiddenWidth, HasBias: true), x);
        x = graph.Add($"{name}.mlp.act", new Gelu(), x);
        return graph.Add($"{name}.mlp.fc2", new Linear(config.HiddenWidth, config.Width, HasBias: true), x);
    }
}
