using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Operations.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution.Integer;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A convolution over a grid of tokens.</summary>
/// <remarks>
/// In integers, it reads the levels of values side by side where they lie. It writes levels itself if only another such
/// convolution reads them.
/// </remarks>
/// <param name="concat">The concatenation before it; null if there is none.</param>
/// <param name="node">The convolution.</param>
/// <param name="relu">The ReLU after it; null if there is none.</param>
internal sealed class GridConvolutionOperation(Node? concat, Node node, Node? relu) : WeightedOperation
{
    private readonly GridConv2d _layer = (GridConv2d)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        if (plan.LayerOf(node) is { IsInteger: true } integers)
        {
            PlanIntegers(plan, integers);
            return;
        }
        Node output = relu ?? node;
        Node[] parts = concat is null ? [node.Inputs[0]] : [.. concat.Inputs];
        ArenaMatrix y;
        if (plan.LayerOf(node) is null)
        {
            y = plan.Allocate(output);
            PlanFloats(plan, [.. parts.Select(plan.Value)], plan.Parameter(node, 0), y);
        }
        else
        {
            if (concat is not null)
                new ConcatOperation(concat).Plan(plan);
            y = plan.Allocate(output);
            (ArenaMatrix x, FloatTensor weight) = FloatOperands(plan, node);
            PlanFloats(plan, [x], weight, y);
        }
        plan.SetValue(output, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        context.ApproximationOf(node) is { } method
            ? new LowBitGridConvolutionGradient(node, method, context.Policy)
            : new GridConvolutionGradient(node);

    private void PlanFloats(PlanBuilder plan, ArenaMatrix[] parts, FloatTensor weight, ArenaMatrix y)
    {
        PackedFloatWeights packed = plan.Pack(_layer, weight, Bias(plan));
        var zeros = new NativeBuffer<float>(_layer.InChannels, zeroed: true);
        plan.Add(
            new CompiledGridConvolution(node.Name, _layer, parts, y, relu is not null, packed, zeros), parts, [y]);
    }

    private void PlanIntegers(PlanBuilder plan, QuantizedLayer layer)
    {
        Node output = relu ?? node;
        Node[] inputs = concat is null ? [node.Inputs[0]] : [.. concat.Inputs];
        LevelMatrix[] parts = [.. inputs.Select(input => plan.LevelsOf(input) ?? Quantize(plan, input, layer.Input!))];
        PackedGridWeights packed = plan.Pack(
            layer, Bias(plan), [.. inputs.Select(input => input.Shape[1])], _layer.KernelSize);
        var outside = new NativeBuffer<byte>(PackedGridWeights.MaxLength);
        outside.Span.Fill((byte)layer.Input!.ZeroPoints[0]);
        IntegerOutput y;
        if (plan.OnlyReader(output) is { } reader)
        {
            y = new IntegerOutput(Values: null, (plan.SetLevels(output), reader));
        }
        else
        {
            ArenaMatrix values = plan.Allocate(output);
            plan.SetValue(output, values);
            y = new IntegerOutput(values, Levels: null);
        }
        ArenaBlock[] room = [.. parts.Select(part => part.Block)];
        plan.Add(
            new CompiledIntegerGridConvolution(
                node.Name, _layer, parts, y, relu is not null, packed, layer.Input, outside),
            [], y.Values is { } written ? [written] : [],
            y.Levels is { } levels ? [.. room, levels.Matrix.Block] : room);
    }

    private LevelMatrix Quantize(PlanBuilder plan, Node input, UniformQuantizer quantizer)
    {
        int columns = input.Shape[1];
        return new(
            QuantizeInput(plan, node, input, quantizer, CompiledIntegerLinear.LevelStride(columns)), columns);
    }

    private FloatTensor? Bias(PlanBuilder plan) => _layer.HasBias ? plan.Parameter(node, 1) : null;
}
