using System.Globalization;
using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>
/// VMamba as a graph, with the official names (MzeroMiko/VMamba, <c>classification/models/vmamba.py</c>: forward types
/// <c>v05_noz</c> and, gated, <c>v0</c>), and LocalVMamba, which differs from the latter in its scans (hunto/LocalMamba,
/// <c>classification/lib/models/local_vmamba.py</c>). Maps are tokens here, row by row, so the official norms <c>ln</c> and <c>ln2d</c> are one.
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection         H, W  the grid: L = H·W
/// </code>
/// The official code keeps the parameters of a block's four directions in one tensor for each role; here each has its own node,
/// with the names that PTQ4VM gives them (<c>op.x_proj0</c> to <c>op.x_proj3</c>), so that each is a site of its own.
/// </summary>
internal static class VMambaBuilder
{
    private const float NormEpsilon = 1e-5f;

    /// <summary>The official tensor of each parameter of a direction: what holds all four, and whether they are stacked or follow one another.</summary>
    private static readonly (string Role, string Tensor, bool IsStacked)[] Shared =
    [
        ("x_proj#.weight", "x_proj_weight", true),
        ("dt_proj#.weight", "dt_projs_weight", true),
        ("dt_proj#.bias", "dt_projs_bias", true),
        ("A_log#", "A_logs", false),
        ("D#", "Ds", false),
    ];

    public static Graph Build(VMambaConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        Node x = Embed(graph, config); // [L, D]
        int grid = config.GridSize, block = 0;
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            // One for all blocks of a stage: its memory is that of the grid, however many blocks a file claims.
            ArrangeTokens byColumn = ArrangeTokens.ByColumn(grid, grid);
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                graph.Block = block++;
                x = Block(graph, config, $"layers.{stage}.blocks.{i}", stage, grid, byColumn, x);
            }
            graph.Block = null;
            if (stage + 1 == config.Depths.Count)
                break;
            x = Downsample(graph, config, $"layers.{stage}.downsample", grid, x);
            grid = VMambaConfig.Halved(grid);
        }
        Node features = graph.Add("classifier.avgpool", new MeanTokens(), Norm(graph, "classifier.norm", x)); // [D]
        return graph.Build(graph.Add("classifier.head", new Linear(features.Shape[0], config.Classes, HasBias: true), features));
    }

    /// <summary>Where the official checkpoint has a parameter.</summary>
    public static CheckpointPart PartOf(string parameter)
    {
        const string mixer = ".op.";
        int found = parameter.IndexOf(mixer, StringComparison.Ordinal), start = found + mixer.Length;
        if (found < 0)
            return new CheckpointPart(parameter);
        foreach ((string role, string tensor, bool isStacked) in Shared)
        {
            for (int k = 0; k < ScanDirection.PerBlock; k++)
            {
                if (parameter.AsSpan(start).SequenceEqual(Named(role, k)))
                    return new CheckpointPart(parameter[..start] + tensor, k, ScanDirection.PerBlock, isStacked);
            }
        }
        return new CheckpointPart(parameter);
    }

    private static string Named(string role, int direction) => role.Replace("#", direction.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>Image to tokens.</summary>
    private static Node Embed(GraphBuilder graph, VMambaConfig config)
    {
        const string name = "patch_embed";
        if (config.Stem == StemKind.Patches)
        {
            var patches = new Conv2d(config.ImageChannels, config.Width, config.PatchSize, config.PatchSize, Padding: 0, HasBias: true);
            return Norm(graph, $"{name}.2", Flatten(graph, graph.Add($"{name}.0", patches, graph.Input)));
        }
        int half = config.Width / 2, size = VMambaConfig.Halved(config.ImageSize);
        Node x = graph.Add($"{name}.0", new Conv2d(config.ImageChannels, half, Kernel: 3, Stride: 2, Padding: 1, HasBias: true), graph.Input);
        x = graph.Add($"{name}.4", new Gelu(), Norm(graph, $"{name}.2", Flatten(graph, x)));
        x = graph.Add($"{name}.5", new GridConv2d(half, config.Width, size, size, Kernel: 3, Stride: 2, Padding: 1), x);
        return Norm(graph, $"{name}.7", x);
    }

    private static Node Flatten(GraphBuilder graph, Node map) => graph.Add($"{map.Name}.tokens", new FlattenSpatial(), map);

    /// <summary>Half the grid with twice the channels.</summary>
    private static Node Downsample(GraphBuilder graph, VMambaConfig config, string name, int grid, Node x)
    {
        int width = x.Shape[1];
        if (config.Downsampling == DownsamplingKind.Convolution)
        {
            x = graph.Add($"{name}.1", new GridConv2d(width, 2 * width, grid, grid, Kernel: 3, Stride: 2, Padding: 1), x);
            return Norm(graph, $"{name}.3", x);
        }
        x = graph.Add($"{name}.merge", new MergePatches(grid, grid), x); // [L/4, 4D]
        x = Norm(graph, $"{name}.norm", x);
        return graph.Add($"{name}.reduction", new Linear(MergePatches.Parts * width, 2 * width, HasBias: false), x);
    }

    /// <summary>One block, <c>[L, D]</c> to <c>[L, D]</c>: the scans, and the MLP where there is one, each on top of the residual stream.</summary>
    private static Node Block(GraphBuilder graph, VMambaConfig config, string name, int stage, int grid, ArrangeTokens byColumn, Node x)
    {
        Node mixed = Mixer(graph, config, $"{name}.op", stage, grid, byColumn, Norm(graph, $"{name}.norm", x));
        x = graph.Add(config.MlpWidth == 0 ? name : $"{name}.residual", new Add(), x, mixed);
        if (config.MlpWidth == 0)
            return x;
        int width = x.Shape[1], inner = config.MlpWidth << stage;
        Node hidden = graph.Add($"{name}.mlp.fc1", new Linear(width, inner, HasBias: true), Norm(graph, $"{name}.norm2", x));
        hidden = graph.Add($"{name}.mlp.act", new Gelu(), hidden);
        hidden = graph.Add($"{name}.mlp.fc2", new Linear(inner, width, HasBias: true), hidden);
        return graph.Add(name, new Add(), x, hidden);
    }

    /// <summary>The 2-D selective scan (SS2D), <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(GraphBuilder graph, VMambaConfig config, string name, int stage, int grid, ArrangeTokens byColumn, Node tokens)
    {
        int width = config.Width << stage, inner = config.InnerWidth << stage;
        Node x = graph.Add($"{name}.in_proj", new Linear(width, config.IsGated ? 2 * inner : inner, HasBias: false), tokens);
        Node? z = null;
        if (config.IsGated)
        {
            z = graph.Add($"{name}.z", new SliceChannels(inner, inner), x); // [L, E]
            x = graph.Add($"{name}.x", new SliceChannels(0, inner), x); // [L, E]
        }
        Node u = graph.Add($"{name}.conv2d", new DepthwiseConv2d(inner, grid, grid, Kernel: 3, config.HasConvBias), x);
        u = graph.Add($"{name}.act", new Silu(), u); // [L, E]

        Node y = config is LocalVMambaConfig local
            ? LocalScan(graph, local, name, stage, grid, u)
            : CrossScan(graph, config, name, stage, byColumn, u);
        y = graph.Add($"{name}.out_norm", new LayerNorm(inner, NormEpsilon), y);
        if (z is not null)
            y = graph.Add($"{name}.gated", new Multiply(), y, graph.Add($"{name}.gate", new Silu(), z));
        return graph.Add($"{name}.out_proj", new Linear(inner, width, HasBias: false), y); // [L, D]
    }

    /// <summary>Row by row, column by column, and both from the end; the sum of all four, <c>[L, E]</c>.</summary>
    private static Node CrossScan(GraphBuilder graph, VMambaConfig config, string name, int stage, ArrangeTokens byColumn, Node u)
    {
        Node columns = graph.Add($"{name}.u1", byColumn, u);
        Node y = BothWays(graph, config, name, stage, u, first: 0);
        Node transposed = BothWays(graph, config, name, stage, columns, first: 1);
        transposed = graph.Add($"{name}.rows", byColumn, transposed);
        return graph.Add($"{name}.y", new Add(), y, transposed); // cross merge
    }

    /// <summary>The directions of a LocalVMamba's block, and their sum with a gate for each channel, <c>[L, E]</c>.</summary>
    private static Node LocalScan(GraphBuilder graph, LocalVMambaConfig config, string name, int stage, int grid, Node u)
    {
        var scans = new LocalScans(graph, $"{name}.multi_scan", config.Directions[graph.Block!.Value], grid);
        var outputs = new Node[ScanDirection.PerBlock];
        for (int k = 0; k < outputs.Length; k++)
            outputs[k] = scans.Leave(Direction(graph, config, name, stage, scans.Enter(u, k), k), k);
        return LocalScans.Merge(graph, $"{name}.multi_scan", $"{name}.multi_scan.attn", outputs);
    }

    /// <summary>The sum of two directions that see the tokens in opposite orders, in the order of the first.</summary>
    private static Node BothWays(GraphBuilder graph, VMambaConfig config, string name, int stage, Node u, int first)
    {
        int second = first + 2;
        Node forward = Direction(graph, config, name, stage, u, first);
        Node backward = Direction(graph, config, name, stage, graph.Add($"{name}.u{second}", new ReverseTokens(), u), second);
        backward = graph.Add($"{name}.y{second}", new ReverseTokens(), backward);
        return graph.Add($"{name}.y{first}{second}", new Add(), forward, backward); // [L, E]
    }

    /// <summary>One direction's scan, <c>[L, E]</c> to <c>[L, E]</c>.</summary>
    private static Node Direction(GraphBuilder graph, VMambaConfig config, string name, int stage, Node u, int k) =>
        ScanLayer.Add(graph, name, k.ToString(CultureInfo.InvariantCulture), u, config.DeltaRank(stage), config.StateSize);

    private static Node Norm(GraphBuilder graph, string name, Node tokens) => graph.Add(name, new LayerNorm(tokens.Shape[1], NormEpsilon), tokens);
}
