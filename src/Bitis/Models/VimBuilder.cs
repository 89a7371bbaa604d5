using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>
/// Vim as a graph, with the official names (hustvl/Vim, <c>vim/models_mamba.py</c> and <c>mamba_simple.py</c>, bimamba v2).
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection
/// </code>
/// One deliberate difference: SiLU(z) gates the sum of the two directions once, not each of them
/// (<c>y_f·g + y_b·g = (y_f + y_b)·g</c>).
/// </summary>
internal static class VimBuilder
{
    public static Graph Build(VimConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        Node hidden = Embed(graph, config); // [L, D]
        Node residual = hidden;
        for (int i = 0; i < config.Depth; i++)
        {
            graph.Block = i;
            if (i > 0)
                residual = graph.Add($"layers.{i}.residual", new Add(), residual, hidden); // [L, D]
            Node normed = Norm(graph, config, $"layers.{i}.norm", residual);
            hidden = Mixer(graph, config, $"layers.{i}.mixer", normed);
        }
        graph.Block = null;
        residual = graph.Add("residual_f", new Add(), residual, hidden);
        Node features = Pool(graph, config, Norm(graph, config, "norm_f", residual)); // [D]
        return graph.Build(graph.Add("head", new Linear(config.Width, config.Classes, HasBias: true), features));
    }

    /// <summary>Image to tokens: patches, class token, positions.</summary>
    private static Node Embed(GraphBuilder graph, VimConfig config)
    {
        var patches = new Conv2d(
            config.ImageChannels, config.Width, config.PatchSize, config.Stride, Padding: 0, HasBias: true);
        Node tokens = graph.Add("patch_embed.proj", patches, graph.Input); // [D, grid, grid]
        tokens = graph.Add("patch_embed", new FlattenSpatial(), tokens); // [grid², D]
        if (config.ClassToken != ClassTokenPosition.None)
        {
            var insert = new InsertToken(config.ClassTokenIndex, config.Width);
            tokens = graph.Add("cls_token", insert, [tokens], ["cls_token"]); // [L, D]
        }
        return graph.Add("pos_embed", new AddEmbedding(config.Tokens, config.Width), [tokens], ["pos_embed"]);
    }

    /// <summary>The bidirectional Mamba mixer, <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(GraphBuilder graph, VimConfig config, string name, Node tokens)
    {
        int inner = config.InnerWidth;
        Node xz = graph.Add($"{name}.in_proj", new Linear(config.Width, 2 * inner, HasBias: false), tokens); // [L, 2E]
        Node x = graph.Add($"{name}.x", new SliceChannels(0, inner), xz); // [L, E]
        Node z = graph.Add($"{name}.z", new SliceChannels(inner, inner), xz); // [L, E]

        Node forward = Direction(graph, config, name, x, suffix: "", aLog: "A_log");
        Node reversed = graph.Add($"{name}.x_b", new ReverseTokens(), x);
        Node backward = Direction(graph, config, name, reversed, suffix: "_b", aLog: "A_b_log");
        backward = graph.Add($"{name}.y_b", new ReverseTokens(), backward);

        Node y = graph.Add($"{name}.y", new Add(), forward, backward); // [L, E]
        if (config.HalvesDirections)
            y = graph.Add($"{name}.halve", new Scale(0.5f), y);
        Node gate = graph.Add($"{name}.gate", new Silu(), z);
        y = graph.Add($"{name}.gated", new Multiply(), y, gate);
        return graph.Add($"{name}.out_proj", new Linear(inner, config.Width, HasBias: false), y); // [L, D]
    }

    /// <summary>One direction: convolution, the projections to Δ, B and C, and the scan; <c>[L, E]</c> to <c>[L, E]</c>.</summary>
    private static Node Direction(GraphBuilder graph, VimConfig config, string name, Node x, string suffix, string aLog)
    {
        Node u = graph.Add($"{name}.conv1d{suffix}", new CausalConv1d(config.InnerWidth, config.ConvKernel), x);
        u = graph.Add($"{name}.u{suffix}", new Silu(), u); // [L, E]
        return ScanLayer.Add(graph, name, suffix, u, config.DeltaRank, config.StateSize, aLog);
    }

    private static Node Norm(GraphBuilder graph, VimConfig config, string name, Node tokens) => config.Norm switch
    {
        NormKind.Rms => graph.Add(name, new RmsNorm(config.Width, config.NormEpsilon), tokens),
        _ => graph.Add(name, new LayerNorm(config.Width, config.NormEpsilon), tokens),
    };

    private static Node Pool(GraphBuilder graph, VimConfig config, Node tokens) =>
        config.ClassToken == ClassTokenPosition.None
            ? graph.Add("pool", new MeanTokens(), tokens)
            : graph.Add("pool", new SelectToken(config.ClassTokenIndex), tokens);
}
