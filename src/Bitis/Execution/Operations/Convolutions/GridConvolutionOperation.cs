using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Operations.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A convolution over a grid of tokens.</summary>
/// <remarks>A quantized one quantizes its whole input at once, so values side by side are put together first.</remarks>
/// <param name="concat">The concatenation before it; null if there is none.</param>
/// <param name="node">The convolution.</param>
/// <param name="relu">The ReLU after it; null if there is none.</param>
internal sealed class GridConvolutionOperation(Node? concat, Node node, Node? relu) : WeightedOperation
{
    private readonly GridConv2d _layer = (GridConv2d)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node output = relu ?? node;
        ArenaMatrix y;
        if (plan.LayerOf(node) is null)
        {
            Node[] parts = concat is null ? [node.Inputs[0]] : [.. concat.Inputs];
            y = plan.Allocate(output);
            PlanFloats(plan, [.. parts.Select(plan.Value)], plan.Parameter(node, 0), relu is not null, y);
        }
        else
        {
            if (concat is not null)
                new ConcatOperation(concat).Plan(plan);
            y = plan.Allocate(output);
            PlanLayer(plan, plan.LayerOf(node)!, y);
        }
        plan.SetValue(output, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        context.ApproximationOf(node) is { } method
            ? new LowBitGridConvolutionGradient(node, method, context.Policy)
            : new GridConvolutionGradient(node);

    private void PlanFloats(PlanBuilder plan, ArenaMatrix[] parts, FloatTensor weight, bool rectify, ArenaMatrix y)
    {
        PackedFloatWeights packed = plan.Pack(_layer, weight, Bias(plan));
        var zeros = new NativeBuffer<float>(_layer.InChannels, zeroed: true);
        plan.Add(new CompiledGridConvolution(node.Name, _layer, parts, y, rectify, packed, zeros), parts, [y]);
    }

    private void PlanLayer(PlanBuilder plan, QuantizedLayer layer, ArenaMatrix y)
    {
        if (layer.IsInteger)
        {
            PlanIntegers(plan, layer, y);
        }
        else
        {
            (ArenaMatrix x, FloatTensor weight) = FloatOperands(plan, node);
            PlanFloats(plan, [x], weight, rectify: false, y);
        }
        if (relu is not null)
        {
            plan.Add(
                new CompiledElementwise(relu.Name, relu.Operator.Kind, y, y, Elementwise.Relu), [y], [y]);
        }
    }

    private void PlanIntegers(PlanBuilder plan, QuantizedLayer layer, ArenaMatrix y)
    {
        int patch = GridPatches.Length(_layer);
        ArenaBlock levels = QuantizeInput(plan, node, layer.Input!);
        ArenaBlock patches = plan.NewBlock((long)y.Rows * CompiledIntegerLinear.LevelStride(patch));
        var matrix = new sbyte[layer.Levels!.Length];
        GridPatches.PackWeights<sbyte>(_layer, layer.Levels, matrix);
        FloatTensor? bias = Bias(plan);
        var packed = new PackedIntegerWeights(
            matrix, layer.Weight!.Scales, bias is null ? default : bias.Span, _layer.OutChannels, patch,
            layer.Weight.Bits);
        var grids = new TokenParameterBuffers(layer.Input!, isReversed: false);
        plan.Add(
            new CompiledIntegerGridConvolution(node.Name, _layer, levels, patches, y, packed, layer.Input!, grids),
            [], [y], levels, patches);
    }

    private FloatTensor? Bias(PlanBuilder plan) => _layer.HasBias ? plan.Parameter(node, 1) : null;
}
