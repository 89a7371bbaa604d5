using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Operations.Arithmetic;
using Bitis.Execution.Operations.Convolutions;
using Bitis.Execution.Operations.Grids;
using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Operations.Tokens;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Scan;

namespace Bitis.Execution.Operations;

/// <summary>The table of the classes that compute fused operations and single operators.</summary>
internal static class OperationTable
{
    private static readonly Dictionary<Type, Func<Node, Operation>> Operators = new()
    {
        [typeof(Conv2d)] = node => new PatchOperation(node, flatten: null),
        [typeof(Linear)] = node => new LinearOperation(node),
        [typeof(GridConv2d)] = node => new GridConvolutionOperation(null, node, null),
        [typeof(GridPool)] = node => new GridPoolOperation(node),
        [typeof(GridResize)] = node => new GridResizeOperation(node, sum: null),
        [typeof(ConcatChannels)] = node => new ConcatOperation(node),
        [typeof(RmsNorm)] = node => new NormOperation(node),
        [typeof(LayerNorm)] = node => new NormOperation(node),
        [typeof(GroupNorm)] = node => new GroupNormOperation(node),
        [typeof(Add)] = node => new SumOperation(node),
        [typeof(Multiply)] = node => new ProductOperation(node),
        [typeof(Silu)] = node => new ElementwiseOperation(node, Elementwise.Silu),
        [typeof(Sigmoid)] = node => new ElementwiseOperation(node, Elementwise.Sigmoid),
        [typeof(Gelu)] = node => new ElementwiseOperation(node, Elementwise.Gelu),
        [typeof(Relu)] = node => new ReluOperation(node),
        [typeof(Softplus)] = node => new ElementwiseOperation(node, Elementwise.Softplus),
        [typeof(InsertToken)] = node => new InsertTokenOperation(node),
        [typeof(AddEmbedding)] = node => new AddEmbeddingOperation(node),
        [typeof(RotaryPositions)] = node => new RotaryOperation(node),
        [typeof(MeanTokens)] = node => new MeanTokensOperation(node),
        [typeof(MeanOfNorms)] = node => new MeanOfNormsOperation(node),
        [typeof(GatedSum)] = node => new GatedSumOperation(node),
        [typeof(ArrangeTokens)] = node => TokenOrderOperation.Of(node, (ArrangeTokens)node.Operator),
        [typeof(MergePatches)] = node => TokenOrderOperation.Of(node, (MergePatches)node.Operator),
        [typeof(ReverseTokens)] = TokenOrderOperation.Reversal,
    };

    /// <summary>Operators that sessions run through their reference forward pass.</summary>
    private static readonly Dictionary<Type, Func<Node, Operation>> References = new()
    {
        [typeof(Scale)] = node => new ScaleOperation(node),
        [typeof(FlattenSpatial)] = node => new ReferenceOperation(node, () => new FlattenSpatialGradient(node)),
        [typeof(BatchNorm)] = node => new ReferenceOperation(node, () => new BatchNormGradient(node)),
        [typeof(Attention)] = node => new ReferenceOperation(node, () => new AttentionGradient(node)),
        [typeof(SelectToken)] = node =>
            new ReferenceOperation(node, () => new PoolGradient(node, ((SelectToken)node.Operator).Position)),
    };

    /// <summary>
    /// Whether a single operator has a class of its own. Others are views, or run through their reference forward pass.
    /// </summary>
    public static bool HasKernel(Operator op) =>
        op is CausalConv1d or DepthwiseConv2d or Bitis.Graphs.Operators.SelectiveScan
            || Operators.ContainsKey(op.GetType());

    /// <summary>The class that computes an operation.</summary>
    public static Operation For(FusedOperation fused) => fused switch
    {
        ValueView view => ViewOperation.Of(view),
        FusedPatches patches => new PatchOperation(patches.Convolution, patches.Flatten),
        FusedConvolution { Convolution.Operator: CausalConv1d } convolution =>
            new CausalConvolutionOperation(convolution),
        FusedConvolution convolution => new DepthwiseConvolutionOperation(convolution),
        FusedGridConvolution convolution =>
            new GridConvolutionOperation(convolution.Concat, convolution.Convolution, convolution.Relu),
        FusedResizeSum sum => new GridResizeOperation(sum.Resize, sum.Sum),
        FusedScan scan => new ScanOperation(scan),
        FusedGate gate => new GateOperation(gate),
        FusedSumNorm norm => new NormOperation(norm),
        SingleOperator { Node: var node } =>
            (
                Operators.GetValueOrDefault(node.Operator.GetType())
                    ?? References.GetValueOrDefault(node.Operator.GetType())) is { } create
            ? create(node)
            : new ReferenceOperation(node),
        _ => throw new InvalidOperationException($"No class computes {fused.GetType().Name}."),
    };
}
