using System.Globalization;
using Bitis.Graphs;

namespace Bitis.Models.LocalMamba;

/// <summary>
/// LocalVim as a graph, with the official names (hunto/LocalMamba, <c>classification/lib/models/local_vim.py</c> and
/// <c>mamba/multi_mamba.py</c>: <c>MultiMamba</c>).
/// </summary>
/// <remarks>
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection
/// </code>
/// Two deliberate differences, which change no value: the official code turns the residual stream and the block's
/// output, here their sum is turned (<c>rope(a) + rope(b) = rope(a + b)</c>); and z gates a direction's output in the
/// order of the grid, not of the scan.
/// </remarks>
internal static class LocalVimBuilder
{
    /// <summary>The grid on which positions are whole numbers (official <c>pt_hw_seq_len</c>).</summary>
    private const int BaseGrid = 14;

    public static Graph Build(LocalVimConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        Node hidden = Embed(graph, config), residual = hidden; // [L, D]
        for (int i = 0; i < config.Directions.Count; i++)
        {
            graph.Block = i;
            if (i > 0)
                residual = graph.Add($"layers.{i}.residual", residual, hidden); // [L, D]
            if (config.HasRotaryPositions)
                residual = graph.RotaryPositions($"layers.{i}.rope", residual, config.GridSize, BaseGrid);
            Node normed = Norm(graph, config, $"layers.{i}.norm", residual);
            hidden = Mixer(graph, config, $"layers.{i}.mixer", config.Directions[i], normed);
        }
        graph.Block = null;
        residual = graph.Add("residual_f", residual, hidden);
        Node features = Norm(graph, config, "norm_f", residual);
        features = config.ClassTokenIndex is { } index // [D]
            ? graph.SelectToken("pool", features, index)
            : graph.MeanTokens("pool", features);
        return graph.Build(graph.Linear("head", features, config.Classes));
    }

    /// <summary>Image to tokens: patches, class token, positions.</summary>
    private static Node Embed(GraphBuilder graph, LocalVimConfig config)
    {
        int patch = config.PatchSize;
        // [D, grid, grid]
        Node tokens = graph.Conv2d("patch_embed.proj", graph.Input, config.Width, patch, stride: patch);
        tokens = graph.FlattenSpatial("patch_embed", tokens); // [grid², D]
        if (config.ClassTokenIndex is { } index)
            tokens = graph.InsertToken("cls_token", tokens, index, "cls_token"); // [L, D]
        return graph.AddEmbedding("pos_embed", tokens, "pos_embed");
    }

    /// <summary>The mixer with four directions, <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(GraphBuilder graph, LocalVimConfig config, string name, string directions, Node tokens)
    {
        int inner = config.InnerWidth;
        Node xz = graph.Linear($"{name}.in_proj", tokens, 2 * inner, hasBias: false); // [L, 2E]
        Node x = graph.SliceChannels($"{name}.x", xz, 0, inner); // [L, E]
        Node gate = graph.Silu($"{name}.gate", graph.SliceChannels($"{name}.z", xz, inner, inner)); // [L, E]

        var scans = new LocalScans(graph, name, directions, config.GridSize, config.ClassTokenIndex);
        var outputs = new Node[ScanDirection.PerBlock];
        for (int k = 0; k < outputs.Length; k++)
        {
            string suffix = "_" + k.ToString(CultureInfo.InvariantCulture);
            Node u = graph.CausalConv1d($"{name}.conv1d{suffix}", scans.Enter(x, k), config.ConvKernelSize);
            u = graph.Silu($"{name}.u{suffix}", u); // [L, E], longer in windows that reach over the edge
            Node y = scans.Leave(ScanLayer.Add(graph, name, suffix, u, config.DeltaRank, config.StateSize), k);
            outputs[k] = graph.Multiply($"{name}.gated{suffix}", y, gate); // [L, E]
        }
        Node sum = LocalScans.Merge(graph, $"{name}.multi_scan", $"{name}.attn", outputs);
        return graph.Linear($"{name}.out_proj", sum, config.Width, hasBias: false); // [L, D]
    }

    private static Node Norm(GraphBuilder graph, LocalVimConfig config, string name, Node tokens) => config.Norm switch
    {
        NormKind.Rms => graph.RmsNorm(name, tokens, config.NormEpsilon),
        _ => graph.LayerNorm(name, tokens, config.NormEpsilon),
    };
}
