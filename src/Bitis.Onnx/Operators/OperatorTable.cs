using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Onnx.Operators;

/// <summary>How each operator is written in ONNX: one row for each.</summary>
internal static class OperatorTable
{
    private static readonly Dictionary<Type, Func<ModelWriter, Node, Value>> Rows = new()
    {
        [typeof(Add)] = (model, node) => ElementwiseRows.Binary(model, node, "Add"),
        [typeof(AddEmbedding)] = TokenRows.AddEmbedding,
        [typeof(ArrangeTokens)] = Row<ArrangeTokens>(TokenRows.Arrange),
        [typeof(Attention)] = Row<Attention>(AttentionRow.Write),
        [typeof(BatchNorm)] = Row<BatchNorm>(NormRows.BatchNorm),
        [typeof(CausalConv1d)] = LayerRows.Float,
        [typeof(ConcatChannels)] = ElementwiseRows.Concat,
        [typeof(Conv2d)] = LayerRows.Float,
        [typeof(DepthwiseConv2d)] = LayerRows.Float,
        [typeof(FlattenSpatial)] = GridRows.Flatten,
        [typeof(GatedSum)] = ElementwiseRows.GatedSum,
        [typeof(Gelu)] = ElementwiseRows.Gelu,
        [typeof(GridConv2d)] = LayerRows.Float,
        [typeof(GridPool)] = Row<GridPool>(GridRows.Pool),
        [typeof(GridResize)] = Row<GridResize>(GridRows.Resize),
        [typeof(GroupNorm)] = Row<GroupNorm>(NormRows.GroupNorm),
        [typeof(InsertToken)] = Row<InsertToken>(TokenRows.Insert),
        [typeof(LayerNorm)] = Row<LayerNorm>(NormRows.LayerNorm),
        [typeof(Linear)] = LayerRows.Float,
        [typeof(MeanOfNorms)] = Row<MeanOfNorms>(NormRows.MeanOfNorms),
        [typeof(MeanTokens)] = TokenRows.Mean,
        [typeof(MergePatches)] = Row<MergePatches>(TokenRows.MergePatches),
        [typeof(Multiply)] = (model, node) => ElementwiseRows.Binary(model, node, "Mul"),
        [typeof(Relu)] = (model, node) => ElementwiseRows.Unary(model, node, "Relu"),
        [typeof(ReverseTokens)] = TokenRows.Reverse,
        [typeof(RmsNorm)] = Row<RmsNorm>(NormRows.RmsNorm),
        [typeof(RotaryPositions)] = Row<RotaryPositions>(TokenRows.Rotate),
        [typeof(Scale)] = Row<Scale>(ElementwiseRows.Scale),
        [typeof(SelectToken)] = Row<SelectToken>(TokenRows.Select),
        [typeof(SelectiveScan)] = Row<SelectiveScan>(ScanRow.Write),
        [typeof(Sigmoid)] = (model, node) => ElementwiseRows.Unary(model, node, "Sigmoid"),
        [typeof(Silu)] = ElementwiseRows.Silu,
        [typeof(SliceChannels)] = Row<SliceChannels>(ElementwiseRows.Slice),
        [typeof(Softplus)] = (model, node) => ElementwiseRows.Unary(model, node, "Softplus"),
    };

    /// <summary>Writes a node.</summary>
    /// <exception cref="BitisException">The operator has no row.</exception>
    public static Value Write(ModelWriter model, Node node) =>
        Rows.TryGetValue(node.Operator.GetType(), out Func<ModelWriter, Node, Value>? row)
            ? row(model, node)
            : throw new BitisException(
                $"The operator '{node.Kind}' of '{node.Name}' cannot be exported to ONNX: there is no rule for it.");

    /// <summary>Whether an operator has a row.</summary>
    internal static bool Covers(Type type) => Rows.ContainsKey(type);

    private static Func<ModelWriter, Node, Value> Row<T>(Func<ModelWriter, Node, T, Value> write)
        where T : Operator => (model, node) => write(model, node, (T)node.Operator);
}
