using Bitis.Graphs;

namespace Bitis.Fuzz;

/// <summary>A graph with each operator that <see cref="GraphBuilder"/> has a method for, over gray images.</summary>
internal static class AllOperators
{
    public const int ImageSize = 8, Classes = 3;
    private const int Side = 4, Width = 8, States = 4;

    public static Graph Build()
    {
        var b = new GraphBuilder([1, ImageSize, ImageSize]);
        Node x = b.FlattenSpatial(
            "tokens", b.Conv2d("patches", b.Input, Width, kernelSize: 2, stride: 2, parameters: ["p.w", "p.b"]));
        x = b.Relu(
            "relu",
            b.GroupNorm(
                "group_norm", b.GridConv2d("grid", x, Side, Side, Width, kernelSize: 3, padding: 1), groups: 2));
        Node pooled = b.GridResize("resize", b.GridPool("pool", x, Side, Side, bins: 2), 2, 2, Side, Side);
        x = b.ConcatChannels("concat", [x, pooled]);
        x = b.GridConv2d("mixed", x, Side, Side, Width, kernelSize: 3, padding: 1, hasBias: false);
        x = b.BatchNorm("batch_norm", x);
        b.Block = 0;
        x = b.Add("sum", x, Scans(b, b.LayerNorm("norm", x)));
        b.Block = 1;
        x = b.RotaryPositions("rotary", x, Side, baseGrid: 14);
        Node a = b.Attention("attention", b.Linear("qkv", b.RmsNorm("rms", x), 3 * Width, hasBias: false), heads: 2);
        x = b.Add("attended", x, b.Gelu("gelu", b.Scale("scale", a, 0.5f)));
        x = b.MergePatches("merge", b.DepthwiseConv2d("depthwise", x, Side, Side, kernelSize: 3), Side, Side);
        b.Block = null;
        x = b.AddEmbedding("positions", b.InsertToken("class", x, 2, "cls_token"), "pos_embed");
        Node features = b.Add("features", b.SelectToken("select", x, 2), b.MeanTokens("mean", x));
        return b.Build(b.Linear("head", features, Classes));
    }

    /// <summary>A direction by columns and one from the end, merged with a gate for each.</summary>
    private static Node Scans(GraphBuilder b, Node x)
    {
        IReadOnlyList<int> columns = TokenOrder.ByColumn(Side, Side);
        Node down = Scan(b, "down", b.ArrangeTokens("columns", x, columns));
        down = b.ArrangeTokens("rows", down, TokenOrder.Inverse(columns, Side * Side));
        Node back = b.ReverseTokens("forth", Scan(b, "back", b.ReverseTokens("reversed", x)));
        Node gates = b.Sigmoid("gates", b.Linear("gate", b.MeanOfNorms("means", [down, back]), Width));
        return b.GatedSum("merged", gates, [down, back]);
    }

    private static Node Scan(GraphBuilder b, string name, Node x)
    {
        Node u = b.Silu($"{name}.silu", b.CausalConv1d($"{name}.conv", x, kernelSize: 3));
        Node delta = b.Softplus($"{name}.softplus", b.Linear($"{name}.delta", u, Width));
        Node bc = b.Linear($"{name}.bc", u, 2 * States, hasBias: false);
        Node y = b.SelectiveScan(
            $"{name}.scan", u, delta, b.SliceChannels($"{name}.b", bc, 0, States), b.SliceChannels(
                $"{name}.c", bc, States, States));
        return b.Multiply($"{name}.gated", y, u);
    }
}
