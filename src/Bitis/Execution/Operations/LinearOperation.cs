using Bitis.Execution.Compiled;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;

namespace Bitis.Execution.Operations;

/// <summary>A linear layer.</summary>
internal sealed class LinearOperation(Node node) : WeightedOperation
{
    private readonly Linear _layer = (Linear)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        FloatTensor? bias = _layer.HasBias ? plan.Parameter(node, 1) : null;
        ArenaMatrix y = plan.Allocate(node);
        if (plan.LayerOf(node) is { IsInteger: true } layer)
        {
            PlanIntegers(plan, layer, bias, y);
        }
        else
        {
            (ArenaMatrix x, FloatTensor weight) = FloatOperands(plan, node);
            plan.Add(new CompiledLinear(node.Name, x, y, plan.Pack(weight, bias)), [x], [y]);
        }
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        context.ApproximationOf(node) is { } method
        ? new LowBitLinearGradient(node, method, context)
        : new LinearGradient(node);

    private void PlanIntegers(PlanBuilder plan, QuantizedLayer layer, FloatTensor? bias, ArenaMatrix y)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]);
        if (layer.RotationOrder > 1)
        {
            x = InCopy(
                plan, x, (source, copy) => new CompiledRotate($"{node.Name}.input", source, copy, layer.RotationOrder));
        }

        ArenaBlock levels = plan.NewBlock((long)x.Rows * CompiledIntegerLinear.LevelStride(x.Columns));
        CompiledOperation? writer = plan.TakeWriter(x);
        var operation = new CompiledIntegerLinear(
            node.Name,
            writer,
            x,
            y,
            levels,
            plan.Pack(layer, bias),
            new TokenParameterBuffers(layer.Input!, x.IsReversed),
            layer.InputFactors is { } factors ? NativeBuffer<float>.Of(factors) : null,
            layer.Input!.MaxLevel);
        plan.Add(operation, [x], [y], levels);
    }
}
