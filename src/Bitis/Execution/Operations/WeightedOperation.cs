using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Execution.Operations;

/// <summary>An operation with weights, in float32 or in integers.</summary>
/// <remarks>
/// It computes in integers where both sides have levels. If only one side has levels, it computes in float32 with their
/// values.
/// </remarks>
internal abstract class WeightedOperation : Operation
{
    /// <summary>The levels of a convolution's input, a byte each.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="node">The convolution.</param>
    /// <param name="value">What it reads, or a part of that.</param>
    /// <param name="quantizer">The quantizer of the input.</param>
    /// <param name="columns">The length of a row of levels.</param>
    protected static ArenaBlock QuantizeInput(
        PlanBuilder plan, Node node, Node value, UniformQuantizer quantizer, int columns)
    {
        ArenaMatrix x = plan.Value(value);
        ArenaBlock levels = plan.NewBlock((long)x.Rows * columns);
        var operation = new CompiledQuantize(
            $"{node.Name}.input", x, levels, columns, new TokenParameterBuffers(quantizer, isReversed: false),
            quantizer.MaxLevel);
        plan.Add(operation, [x], [], levels);
        return levels;
    }

    /// <summary>
    /// Input and weights of a layer that multiplies in float32. Where one side has levels, it has their values.
    /// </summary>
    protected static (ArenaMatrix X, FloatTensor Weight) FloatOperands(PlanBuilder plan, Node node)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]);
        if (plan.LayerOf(node) is not { } layer)
            return (x, plan.Parameter(node, 0));
        if (layer.Input is { } input)
            x = InCopy(plan, x, (source, copy) => new CompiledRound($"{node.Name}.input", source, copy, input));
        return (x, layer.Weight is null ? plan.Parameter(node, 0) : layer.DequantizeWeight(node.Operator));
    }

    /// <summary>Input and weights of a depthwise convolution, with the scales of their sums.</summary>
    /// <remarks>
    /// Input and weights are values, or levels less their zero point as float32. The scales are what sums of levels are
    /// multiplied by.
    /// </remarks>
    protected static (
        ArenaMatrix X, FloatTensor Weight, FloatTensor? Scales) ChannelwiseOperands(PlanBuilder plan, Node node)
    {
        if (plan.LayerOf(node) is not { IsInteger: true } layer)
        {
            (ArenaMatrix values, FloatTensor floats) = FloatOperands(plan, node);
            return (values, floats, null);
        }
        var weight = new FloatTensor(node.Operator.Parameters[0].Shape);
        for (int i = 0; i < weight.Length; i++)
            weight.Span[i] = layer.Levels![i];
        var scales = new FloatTensor([weight.Shape[0]]);
        for (int channel = 0; channel < scales.Length; channel++)
        {
            scales.Span[channel] =
                layer.Input!.Scales[layer.Input.GroupOf(token: 0, channel)] * layer.Weight!.Scales[channel];
        }

        ArenaMatrix x = plan.Value(node.Inputs[0]);
        ArenaMatrix levels = plan.CenteredLevels(plan.UnreversedOf(node.Inputs[0]), layer.Input!, () => InCopy(
            plan, x, (source, copy) => new CompiledCenterLevels($"{node.Name}.input", source, copy, layer.Input!)));
        return (levels with { IsReversed = x.IsReversed }, weight, scales);
    }

    /// <summary>Adds an operation that copies a matrix as it lies in memory.</summary>
    /// <remarks>The result shows the copy in the order in which the matrix was seen.</remarks>
    protected static ArenaMatrix InCopy(
        PlanBuilder plan, ArenaMatrix x, Func<ArenaMatrix, ArenaMatrix, CompiledOperation> create)
    {
        ArenaMatrix source = x.RowMap is null
            ? x
            : x with { Rows = x.RowMap.Max() + 1, RowMap = null, IsReversed = false };
        ArenaMatrix copy = source with
        {
            Block = plan.NewBlock((long)source.Rows * x.Columns * sizeof(float)),
            Start = 0,
            Stride = x.Columns,
        };
        plan.Add(create(source, copy), [source], [copy]);
        return copy with { Rows = x.Rows, RowMap = x.RowMap, IsReversed = x.IsReversed };
    }
}
