using System.Globalization;
using Bitis.Graphs;
using Bitis.Models.Detection;
using Bitis.Models.LocalMamba;

namespace Bitis.Models.VMamba;

/// <summary>Builds the graph of a VMamba or a LocalVMamba, with the official names.</summary>
/// <remarks>
/// The official code is MzeroMiko/VMamba, <c>classification/models/vmamba.py</c>, with the forward types <c>v05_noz</c>
/// and, gated, <c>v0</c>. LocalVMamba differs from the latter in its scans (hunto/LocalMamba,
/// <c>classification/lib/models/local_vmamba.py</c>). Maps are tokens here, row by row. So the official norms
/// <c>ln</c> and <c>ln2d</c> are the same.
/// <code>
///   L  tokens      D  width of the residual stream     N  states
///   E  inner width R  rank of the Δ projection         H, W  the grid: L = H·W
/// </code>
/// The official code keeps the parameters of a block's four directions in one tensor for each role. Here each direction
/// has its own node, with the names that PTQ4VM gives them (<c>op.x_proj0</c> to <c>op.x_proj3</c>). So each is a site
/// of its own.
/// </remarks>
internal static class VMambaBuilder
{
    private const float NormEpsilon = 1e-5f;

    /// <summary>The official tensor of each parameter of a direction; it holds the parameters of all four.</summary>
    /// <remarks>They are stacked along an axis of their own, or follow one another.</remarks>
    private static readonly (string Role, string FloatTensor, bool IsStacked)[] Shared =
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
        Node x = AddStages(graph, config, prefix: "")[^1].Tokens;
        Node features = graph.MeanTokens("classifier.avgpool", Norm(graph, "classifier.norm", x)); // [D]
        return graph.Build(graph.Linear("classifier.head", features, config.Classes));
    }

    /// <summary>Adds the backbone, for images of the graph's size.</summary>
    /// <param name="graph">The graph, which has its image.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="prefix">What precedes the names of its modules: nothing, or <c>backbone.</c>.</param>
    /// <returns>The output of each stage's blocks, not normed.</returns>
    public static IReadOnlyList<TokenGrid> AddStages(GraphBuilder graph, VMambaConfig config, string prefix)
    {
        TokenGrid x = Embed(graph, config, $"{prefix}patch_embed"); // [L, D]
        var stages = new List<TokenGrid>();
        int block = 0;
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            if (stage > 0)
                x = Downsample(graph, config, $"{prefix}layers.{stage - 1}.downsample", x);
            IReadOnlyList<int> byColumn = TokenOrder.ByColumn(x.Height, x.Width);
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                graph.Block = block++;
                x = x with { Tokens = Block(graph, config, $"{prefix}layers.{stage}.blocks.{i}", stage, x, byColumn) };
            }
            graph.Block = null;
            stages.Add(x);
        }
        return stages;
    }

    /// <summary>The place of a parameter in the official checkpoint.</summary>
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

    private static string Named(string role, int direction) =>
        role.Replace("#", direction.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>Image to tokens.</summary>
    private static TokenGrid Embed(GraphBuilder graph, VMambaConfig config, string name)
    {
        if (config.Stem == StemKind.Patches)
        {
            int patch = config.PatchSize;
            Node patches = graph.Conv2d($"{name}.0", graph.Input, config.Width, patch, stride: patch);
            return new(Norm(graph, $"{name}.2", Flatten(graph, patches)), patches.Shape[1], patches.Shape[2]);
        }
        Node map = graph.Conv2d($"{name}.0", graph.Input, config.Width / 2, kernelSize: 3, stride: 2, padding: 1);
        Node x = graph.Gelu($"{name}.4", Norm(graph, $"{name}.2", Flatten(graph, map)));
        (int height, int width) = (map.Shape[1], map.Shape[2]);
        x = graph.GridConv2d($"{name}.5", x, height, width, config.Width, kernelSize: 3, stride: 2, padding: 1);
        return new(Norm(graph, $"{name}.7", x), VMambaConfig.Halved(height), VMambaConfig.Halved(width));
    }

    private static Node Flatten(GraphBuilder graph, Node map) => graph.FlattenSpatial($"{map.Name}.tokens", map);

    /// <summary>Halves the grid and doubles the channels.</summary>
    private static TokenGrid Downsample(GraphBuilder graph, VMambaConfig config, string name, TokenGrid grid)
    {
        (Node x, int height, int width) = grid;
        int channels = x.Shape[1];
        if (config.Downsampling == DownsamplingKind.Convolution)
        {
            x = graph.GridConv2d($"{name}.1", x, height, width, 2 * channels, kernelSize: 3, stride: 2, padding: 1);
            x = Norm(graph, $"{name}.3", x);
        }
        else
        {
            x = graph.MergePatches($"{name}.merge", x, height, width); // [L/4, 4D]
            x = Norm(graph, $"{name}.norm", x);
            x = graph.Linear($"{name}.reduction", x, 2 * channels, hasBias: false);
        }
        return new(x, VMambaConfig.Halved(height), VMambaConfig.Halved(width));
    }

    /// <summary>One block, <c>[L, D]</c> to <c>[L, D]</c>: the scans, then the MLP if there is one.</summary>
    /// <remarks>Each of them is added to the residual stream.</remarks>
    private static Node Block(
        GraphBuilder graph, VMambaConfig config, string name, int stage, TokenGrid grid, IReadOnlyList<int> byColumn)
    {
        Node x = grid.Tokens;
        Node normed = Norm(graph, $"{name}.norm", x);
        Node mixed = Mixer(graph, config, $"{name}.op", stage, grid with { Tokens = normed }, byColumn);
        x = graph.Add(config.MlpWidth == 0 ? name : $"{name}.residual", x, mixed);
        if (config.MlpWidth == 0)
            return x;
        int width = x.Shape[1], inner = config.MlpWidth << stage;
        Node hidden = graph.Linear($"{name}.mlp.fc1", Norm(graph, $"{name}.norm2", x), inner);
        hidden = graph.Gelu($"{name}.mlp.act", hidden);
        hidden = graph.Linear($"{name}.mlp.fc2", hidden, width);
        return graph.Add(name, x, hidden);
    }

    /// <summary>The 2-D selective scan (SS2D), <c>[L, D]</c> to <c>[L, D]</c>.</summary>
    private static Node Mixer(
        GraphBuilder graph, VMambaConfig config, string name, int stage, TokenGrid grid, IReadOnlyList<int> byColumn)
    {
        int width = config.Width << stage, inner = config.InnerWidth << stage;
        Node x = graph.Linear($"{name}.in_proj", grid.Tokens, config.IsGated ? 2 * inner : inner, hasBias: false);
        Node? z = null;
        if (config.IsGated)
        {
            z = graph.SliceChannels($"{name}.z", x, inner, inner); // [L, E]
            x = graph.SliceChannels($"{name}.x", x, 0, inner); // [L, E]
        }
        Node u = graph.DepthwiseConv2d(
            $"{name}.conv2d", x, grid.Height, grid.Width, kernelSize: 3, config.HasConvBias);
        u = graph.Silu($"{name}.act", u); // [L, E]

        Node y = config is LocalVMambaConfig local
            ? LocalScan(graph, local, name, stage, grid.Height, u)
            : CrossScan(graph, config, name, stage, grid with { Tokens = u }, byColumn);
        y = graph.LayerNorm($"{name}.out_norm", y, NormEpsilon);
        if (z is not null)
            y = graph.Multiply($"{name}.gated", y, graph.Silu($"{name}.gate", z));
        return graph.Linear($"{name}.out_proj", y, width, hasBias: false); // [L, D]
    }

    /// <summary>The sum of four scans, <c>[L, E]</c>: row by row, column by column, and both from the end.</summary>
    private static Node CrossScan(
        GraphBuilder graph, VMambaConfig config, string name, int stage, TokenGrid grid, IReadOnlyList<int> byColumn)
    {
        Node u = grid.Tokens;
        Node columns = graph.ArrangeTokens($"{name}.u1", u, byColumn);
        Node y = BothWays(graph, config, name, stage, u, first: 0);
        Node transposed = BothWays(graph, config, name, stage, columns, first: 1);
        IReadOnlyList<int> byRow =
            grid.Height == grid.Width ? byColumn : TokenOrder.ByColumn(grid.Width, grid.Height);
        transposed = graph.ArrangeTokens($"{name}.rows", transposed, byRow);
        return graph.Add($"{name}.y", y, transposed); // cross merge
    }

    /// <summary>
    /// The directions of a LocalVMamba's block, and their sum with a gate for each channel, <c>[L, E]</c>.
    /// </summary>
    private static Node LocalScan(
        GraphBuilder graph, LocalVMambaConfig config, string name, int stage, int grid, Node u)
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
        Node backward = Direction(graph, config, name, stage, graph.ReverseTokens($"{name}.u{second}", u), second);
        backward = graph.ReverseTokens($"{name}.y{second}", backward);
        return graph.Add($"{name}.y{first}{second}", forward, backward); // [L, E]
    }

    /// <summary>One direction's scan, <c>[L, E]</c> to <c>[L, E]</c>.</summary>
    private static Node Direction(GraphBuilder graph, VMambaConfig config, string name, int stage, Node u, int k) =>
        ScanLayer.Add(
            graph, name, k.ToString(CultureInfo.InvariantCulture), u, config.DeltaRank(stage), config.StateSize);

    private static Node Norm(GraphBuilder graph, string name, Node tokens) =>
        graph.LayerNorm(name, tokens, NormEpsilon);
}
