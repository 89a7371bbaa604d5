using Bitis.Graphs;
using Bitis.Models.VMamba;

namespace Bitis.Models.Segmentation;

/// <summary>Adds the heads of mmsegmentation to a graph, with the official names.</summary>
/// <remarks>
/// As mmsegmentation 1.2.2, <c>uper_head.py</c>, <c>psp_head.py</c> and <c>fcn_head.py</c>. Maps are tokens here, row
/// by row, so a value <c>[channels, height, width]</c> there is <c>[height·width, channels]</c> here.
/// <code>
///   stage 3 ──┬─ pool 1, 2, 3, 6 ─ 1×1 ─ resize ─┐
///             └──────────────────────────────────┴─ concat ─ 3×3 ──────────── level 3 ──┐
///   stage 2 ──── 1×1 ──(+)◄── resize ◄─── level 3        ── 3×3 ─── resize ─ level 2 ───┤
///   stage 1 ──── 1×1 ──(+)◄── resize ◄─── sum of level 2 ── 3×3 ─── resize ─ level 1 ───┼─ concat ─ 3×3 ─ classes
///   stage 0 ──── 1×1 ──(+)◄── resize ◄─── sum of level 1 ── 3×3 ──────────── level 0 ───┘
/// </code>
/// </remarks>
internal static class SegmentationHeads
{
    private const float NormEpsilon = 1e-5f;

    /// <summary>Adds a head.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">The head's module: <c>decode_head</c>.</param>
    /// <param name="head">The head.</param>
    /// <param name="maps">The maps of the backbone's stages.</param>
    /// <param name="classes">The number of classes.</param>
    /// <returns>The logits at each place of the map that the head makes.</returns>
    public static TokenGrid Add(
        GraphBuilder graph, string name, HeadConfig head, IReadOnlyList<TokenGrid> maps, int classes)
    {
        TokenGrid features = head.Kind == HeadKind.UPer
            ? UPer(graph, name, head, maps)
            : Fcn(graph, name, head, maps[head.Stage]);
        return Convolve(graph, $"{name}.conv_seg", features, classes, kernelSize: 1, hasBias: true);
    }

    private static TokenGrid Fcn(GraphBuilder graph, string name, HeadConfig head, TokenGrid map)
    {
        TokenGrid x = map;
        for (int i = 0; i < head.Convolutions; i++)
            x = Module(graph, $"{name}.convs.{i}", head, x, head.KernelSize);
        if (!head.ConcatenatesInput)
            return x;
        x = x with { Tokens = graph.ConcatChannels($"{name}.concat", [map.Tokens, x.Tokens]) };
        return Module(graph, $"{name}.conv_cat", head, x, head.KernelSize);
    }

    private static TokenGrid UPer(GraphBuilder graph, string name, HeadConfig head, IReadOnlyList<TokenGrid> maps)
    {
        int last = maps.Count - 1;
        var levels = new TokenGrid[maps.Count];
        levels[last] = PoolPyramid(graph, name, head, maps[last]);
        for (int i = 0; i < last; i++)
            levels[i] = Module(graph, $"{name}.lateral_convs.{i}", head, maps[i], kernelSize: 1);
        for (int i = last; i > 0; i--)
        {
            TokenGrid upper = Resize(graph, $"{name}.topdown.{i - 1}.resized", levels[i], levels[i - 1]);
            Node sum = graph.Add($"{name}.topdown.{i - 1}", levels[i - 1].Tokens, upper.Tokens);
            levels[i - 1] = levels[i - 1] with { Tokens = sum };
        }
        for (int i = 0; i < last; i++)
            levels[i] = Module(graph, $"{name}.fpn_convs.{i}", head, levels[i], kernelSize: 3);
        for (int i = 1; i <= last; i++)
            levels[i] = Resize(graph, $"{name}.fpn_resized.{i}", levels[i], levels[0]);
        Node all = graph.ConcatChannels($"{name}.fpn_concat", [.. levels.Select(level => level.Tokens)]);
        return Module(graph, $"{name}.fpn_bottleneck", head, levels[0] with { Tokens = all }, kernelSize: 3);
    }

    private static TokenGrid PoolPyramid(GraphBuilder graph, string name, HeadConfig head, TokenGrid map)
    {
        var parts = new List<Node> { map.Tokens };
        for (int i = 0; i < HeadConfig.PoolScales.Count; i++)
        {
            int bins = HeadConfig.PoolScales[i];
            Node pooled = graph.GridPool($"{name}.psp_modules.{i}.0", map.Tokens, map.Height, map.Width, bins);
            TokenGrid part = new(pooled, bins, bins);
            part = Module(graph, $"{name}.psp_modules.{i}.1", head, part, kernelSize: 1);
            parts.Add(Resize(graph, $"{name}.psp_resized.{i}", part, map).Tokens);
        }
        TokenGrid all = map with { Tokens = graph.ConcatChannels($"{name}.psp_concat", parts) };
        return Module(graph, $"{name}.bottleneck", head, all, kernelSize: 3);
    }

    /// <summary>A convolution that keeps the size, a norm and a ReLU (mmcv's <c>ConvModule</c>).</summary>
    private static TokenGrid Module(GraphBuilder graph, string name, HeadConfig head, TokenGrid x, int kernelSize)
    {
        TokenGrid y = Convolve(graph, $"{name}.conv", x, head.Channels, kernelSize, hasBias: false);
        Node normed = head.NormGroups is { } groups
            ? graph.GroupNorm($"{name}.gn", y.Tokens, groups, NormEpsilon)
            : graph.BatchNorm($"{name}.bn", y.Tokens, NormEpsilon);
        return y with { Tokens = graph.Relu(name, normed) };
    }

    private static TokenGrid Convolve(
        GraphBuilder graph, string name, TokenGrid x, int channels, int kernelSize, bool hasBias) => x with
        {
            Tokens = graph.GridConv2d(
                name, x.Tokens, x.Height, x.Width, channels, kernelSize, padding: kernelSize / 2, hasBias: hasBias),
        };

    private static TokenGrid Resize(GraphBuilder graph, string name, TokenGrid x, TokenGrid to) => to with
    {
        Tokens = graph.GridResize(name, x.Tokens, x.Height, x.Width, to.Height, to.Width),
    };
}
