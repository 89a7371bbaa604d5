using System.Globalization;
using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>
/// LocalVim as a graph, with the official names (hunto/LocalMamba, <c>classification/lib/models/local_vim.py</c> and
/// <c>mamba/multi_mamba.py</c>: <c>MultiMamba</c>).
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection
/// </code>
/// Two deliberate differences, which change no value: the official code turns the residual stream and the block's output, here their sum is
/// turned (<c>rope(a) + rope(b) = rope(a + b)</c>); and z gates a direction's output in the order of the grid, not of the scan.
/// </summary>
internal static class LocalVimBuilder
{
    /// <summary>The grid on which positions are whole numbers (official <c>pt_hw_seq_len</c>).</summary>
    private const int BaseGrid = 14;

    public static Graph Build(LocalVimConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        var rotary = new RotaryPositions(config.GridSize, config.Width, BaseGrid);
        Node hidden = Embed(graph, config), residual = hidden; // [L, D]
        for (int i = 0; i < config.Directions.Count; i++)
        {
            graph.Block = i;
            if (i > 0)
                residual = graph.Add($"layers.{i}.residual", new Add(), residual, hidden); // [L, D]
            if (config.HasRotaryPositions)
                residual = graph.Add($"layers.{i}.rope", rotary, residual);
            Node normed = Norm(graph, config, $"layers.{i}.norm", residual);
            hidden = Mixer(graph, config, $"layers.{i}.mixer", config.Directions[i], normed);
        }
        graph.Block = null;
        residual = graph.Add("residual_f", new Add(), residual, hidden);
        Node features = Norm(graph, config, "norm_f", residual);
        features = graph.Add("pool", config.ClassTokenIndex is { } index ? new SelectToken(index) : new MeanTokens(), features); // [D]
        return graph.Build(graph.Add("head", new Linear(config.Width, config.Classes, HasBias: true), features));
    }

    /// <summary>Image to tokens: patches, class token, positions.</summary>
    private static Node Embed(GraphBuilder graph, LocalVimConfig config)
    {
        var patches = new Conv2d(config.ImageChannels, config.Width, config.PatchSize, config.PatchSize, Padding: 0, HasBias: true);
        Node tokens = graph.Add("patch_embed.proj", patches, graph.Input); // [D, grid, grid]
        tokens = graph.Add("patch_embed", new FlattenSpatial(), tokens); // [grid², D]
        if (config.ClassTokenIndex is { } index)
            tokens = graph.Add("cls_token", new InsertToken(index, config.Width), [tokens], ["cls_token"]); // [L, D]
        return graph.Add("pos_embed", new AddEmbedding(config.Tokens, config.Width), [tokens], ["pos_embed"]);
    }

    /// <summary>The mixer with four directions, <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(GraphBuilder graph, LocalVimConfig config, string name, string directions, Node tokens)
    {
        int inner = config.InnerWidth;
        Node xz = graph.Add($"{name}.in_proj", new Linear(config.Width, 2 * inner, HasBias: false), tokens); // [L, 2E]
        Node x = graph.Add($"{name}.x", new SliceChannels(0, inner), xz); // [L, E]
        Node gate = graph.Add($"{name}.gate", new Silu(), graph.Add($"{name}.z", new SliceChannels(inner, inner), xz)); // [L, E]

        var scans = new LocalScans(graph, name, directions, config.GridSize, config.ClassTokenIndex);
        var outputs = new Node[ScanDirection.PerBlock];
        for (int k = 0; k < outputs.Length; k++)
        {
            string suffix = "_" + k.ToString(CultureInfo.InvariantCulture);
            Node u = graph.Add($"{name}.conv1d{suffix}", new CausalConv1d(inner, config.ConvKernel), scans.Enter(x, k));
            u = graph.Add($"{name}.u{suffix}", new Silu(), u); // [L, E], longer in windows that reach over the edge
            Node y = scans.Leave(ScanLayer.Add(graph, name, suffix, u, config.DeltaRank, config.StateSize), k);
            outputs[k] = graph.Add($"{name}.gated{suffix}", new Multiply(), y, gate); // [L, E]
        }
        Node sum = LocalScans.Merge(graph, $"{name}.multi_scan", $"{name}.attn", outputs);
        return graph.Add($"{name}.out_proj", new Linear(inner, config.Width, HasBias: false), sum); // [L, D]
    }

    private static Node Norm(GraphBuilder graph, LocalVimConfig config, string name, Node tokens) => config.Norm switch
    {
        NormKind.Rms => graph.Add(name, new RmsNorm(config.Width, config.NormEpsilon), tokens),
        _ => graph.Add(name, new LayerNorm(config.Width, config.NormEpsilon), tokens),
    };
}
