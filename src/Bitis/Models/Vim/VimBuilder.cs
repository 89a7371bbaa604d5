using Bitis.Graphs;

namespace Bitis.Models.Vim;

/// <summary>
/// Vim as a graph, with the official names (hustvl/Vim, <c>vim/models_mamba.py</c> and <c>mamba_simple.py</c>, bimamba
/// v2).
/// </summary>
/// <remarks>
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection
/// </code>
/// One deliberate difference: SiLU(z) gates the sum of the two directions once, not each of them
/// (<c>y_f·g + y_b·g = (y_f + y_b)·g</c>).
/// </remarks>
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
                residual = graph.Add($"layers.{i}.residual", residual, hidden); // [L, D]
            Node normed = Norm(graph, config, $"layers.{i}.norm", residual);
            hidden = Mixer(graph, config, $"layers.{i}.mixer", normed);
        }
        graph.Block = null;
        residual = graph.Add("residual_f", residual, hidden);
        Node features = Pool(graph, config, Norm(graph, config, "norm_f", residual)); // [D]
        return graph.Build(graph.Linear("head", features, config.Classes));
    }

    /// <summary>Image to tokens: patches, class token, positions.</summary>
    private static Node Embed(GraphBuilder graph, VimConfig config)
    {
        Node tokens = graph.Conv2d(
            "patch_embed.proj", graph.Input, config.Width, config.PatchSize, config.Stride); // [D, grid, grid]
        tokens = graph.FlattenSpatial("patch_embed", tokens); // [grid², D]
        if (config.ClassToken != ClassTokenPosition.None)
            tokens = graph.InsertToken("cls_token", tokens, config.ClassTokenIndex, "cls_token"); // [L, D]
        return graph.AddEmbedding("pos_embed", tokens, "pos_embed");
    }

    /// <summary>The bidirectional Mamba mixer, <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(GraphBuilder graph, VimConfig config, string name, Node tokens)
    {
        int inner = config.InnerWidth;
        Node xz = graph.Linear($"{name}.in_proj", tokens, 2 * inner, hasBias: false); // [L, 2E]
        Node x = graph.SliceChannels($"{name}.x", xz, 0, inner); // [L, E]
        Node z = graph.SliceChannels($"{name}.z", xz, inner, inner); // [L, E]

        Node forward = Direction(graph, config, name, x, suffix: "", aLog: "A_log");
        Node reversed = graph.ReverseTokens($"{name}.x_b", x);
        Node backward = Direction(graph, config, name, reversed, suffix: "_b", aLog: "A_b_log");
        backward = graph.ReverseTokens($"{name}.y_b", backward);

        Node y = graph.Add($"{name}.y", forward, backward); // [L, E]
        if (config.HalvesDirections)
            y = graph.Scale($"{name}.halve", y, 0.5f);
        Node gate = graph.Silu($"{name}.gate", z);
        y = graph.Multiply($"{name}.gated", y, gate);
        return graph.Linear($"{name}.out_proj", y, config.Width, hasBias: false); // [L, D]
    }

    /// <summary>
    /// One direction: convolution, the projections to Δ, B and C, and the scan; <c>[L, E]</c> to <c>[L, E]</c>.
    /// </summary>
    private static Node Direction(GraphBuilder graph, VimConfig config, string name, Node x, string suffix, string aLog)
    {
        Node u = graph.CausalConv1d($"{name}.conv1d{suffix}", x, config.ConvKernelSize);
        u = graph.Silu($"{name}.u{suffix}", u); // [L, E]
        return ScanLayer.Add(graph, name, suffix, u, config.DeltaRank, config.StateSize, aLog);
    }

    private static Node Norm(GraphBuilder graph, VimConfig config, string name, Node tokens) => config.Norm switch
    {
        NormKind.Rms => graph.RmsNorm(name, tokens, config.NormEpsilon),
        _ => graph.LayerNorm(name, tokens, config.NormEpsilon),
    };

    private static Node Pool(GraphBuilder graph, VimConfig config, Node tokens) =>
        config.ClassToken == ClassTokenPosition.None
            ? graph.MeanTokens("pool", tokens)
            : graph.SelectToken("pool", tokens, config.ClassTokenIndex);
}
