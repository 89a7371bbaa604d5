using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A convolution over a grid of tokens.</summary>
internal sealed class GridConvolutionOperation(Node node) : WeightedOperation
{
    private readonly GridConv2d _layer = (GridConv2d)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        int patch = GridPatches.Length(_layer);
        ArenaMatrix y = plan.Allocate(node);
        ReadOnlySpan<float> bias = plan.Parameter(node, 1).Span;
        if (plan.LayerOf(node) is { IsInteger: true } layer)
        {
            ArenaBlock levels = QuantizeInput(plan, node, layer.Input!);
            ArenaBlock patches = plan.NewBlock((long)y.Rows * CompiledIntegerLinear.LevelStride(patch));
            var matrix = new sbyte[layer.Levels!.Length];
            GridPatches.PackWeights<sbyte>(_layer, layer.Levels, matrix);
            var packed = new PackedIntegerWeights(
                matrix, layer.Weight!.Scales, bias, _layer.OutChannels, patch, layer.Weight.Bits);
            var grids = new TokenParameterBuffers(layer.Input!, isReversed: false);
            plan.Add(
                new CompiledIntegerGridConvolution(node.Name, _layer, levels, patches, y, packed, layer.Input!, grids),
                [], [y], levels, patches);
        }
        else
        {
            (ArenaMatrix x, FloatTensor weight) = FloatOperands(plan, node);
            ArenaMatrix patches = plan.NewMatrix(y.Rows, patch);
            float[] matrix = new float[weight.Length];
            GridPatches.PackWeights<float>(_layer, weight.Span, matrix);
            var packed = new PackedFloatWeights(matrix, bias, _layer.OutChannels, patch);
            plan.Add(new CompiledGridConvolution(node.Name, _layer, x, patches, y, packed), [x], [y, patches]);
        }
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        context.ApproximationOf(node) is { } method
        ? new LowBitGridConvolutionGradient(node, method, context.Policy)
        : new GridConvolutionGradient(node);
}
