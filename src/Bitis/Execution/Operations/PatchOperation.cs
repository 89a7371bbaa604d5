using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Runtime.Steps;
using Bitis.Tensors;
using Bitis.Training.Gradients;

namespace Bitis.Execution.Operations;

/// <summary>A convolution over a map whose output is wanted as tokens: unfolded patches times a matrix.</summary>
internal sealed class PatchOperation(FusedPatches fused) : WeightedOperation
{
    private readonly Node _node = fused.Convolution, _tokens = fused.Flatten;
    private readonly Conv2d _layer = (Conv2d)fused.Convolution.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        int patch = _layer.InChannels * _layer.Kernel * _layer.Kernel, height = _node.Inputs[0].Shape[1], width = _node.Inputs[0].Shape[2];
        ReadOnlySpan<float> bias = _layer.HasBias ? plan.Parameter(_node, 1).Span : default;
        ArenaMatrix y = plan.Allocate(_tokens);
        if (plan.LayerOf(_node) is { IsInteger: true } layer)
        {
            ArenaBlock levels = QuantizeInput(plan, _node, layer.Input!);
            ArenaBlock patches = plan.NewBlock((long)y.Rows * IntegerLinearStep.LevelStride(patch));
            var packed = new PackedIntegerWeights(layer.Levels, layer.Weight!.Scales, bias, _layer.OutChannels, patch, layer.Weight.Bits);
            var grids = new TokenGridBuffers(layer.Input!, isReversed: false);
            plan.Add(
                new IntegerPatchEmbeddingStep(_tokens.Name, levels, height, width, patches, y, _layer, packed, layer.Input!, grids), [], [y], levels, patches);
        }
        else
        {
            (ArenaMatrix x, Tensor weight) = FloatOperands(plan, _node);
            if (!x.IsContiguous) // part of a map that was written in place: unfolding takes whole maps only
                x = InCopy(plan, x, (source, copy) => new TokenOrderStep($"{_node.Name}.input", source, copy, [.. Enumerable.Range(0, source.Rows)]));
            ArenaMatrix patches = plan.NewMatrix(y.Rows, patch);
            var packed = new PackedFloatWeights(weight.Span, bias, _layer.OutChannels, patch);
            plan.Add(new PatchEmbeddingStep(_tokens.Name, x, height, width, patches, y, _layer, packed), [x], [y, patches]);
        }
        plan.SetValue(_tokens, y);
    }

    /// <inheritdoc />
    public override GradientStep? CreateGradient(GradientContext context) => new PatchEmbeddingGradient(fused);
}
