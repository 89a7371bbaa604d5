using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A convolution over a map: unfolded patches times a matrix.</summary>
/// <remarks>The output is tokens where those are wanted. Else it is turned into maps again.</remarks>
/// <param name="node">The convolution.</param>
/// <param name="flatten">The change of layout after it that makes tokens of its output; null for maps.</param>
internal sealed class PatchOperation(Node node, Node? flatten) : WeightedOperation
{
    private readonly Conv2d _layer = (Conv2d)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        int places = node.Shape[1] * node.Shape[2];
        ArenaMatrix tokens = flatten is null ? plan.NewMatrix(places, _layer.OutChannels) : plan.Allocate(flatten);
        ReadOnlySpan<float> bias = _layer.HasBias ? plan.Parameter(node, 1).Span : default;
        if (plan.LayerOf(node) is { IsInteger: true } layer)
            PlanIntegers(plan, layer, bias, tokens);
        else
            PlanFloats(plan, bias, tokens);
        if (flatten is not null)
        {
            plan.SetValue(flatten, tokens);
            return;
        }
        ArenaMatrix maps = plan.Allocate(node);
        plan.Add(new CompiledTranspose(node.Name, tokens, maps), [tokens], [maps]);
        plan.SetValue(node, maps);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        flatten is null ? new ConvolutionGradient(node) : new PatchEmbeddingGradient(node, flatten);

    private int Patch => _layer.InChannels * _layer.KernelSize * _layer.KernelSize;

    private int Height => node.Inputs[0].Shape[1];

    private int Width => node.Inputs[0].Shape[2];

    private string Name => (flatten ?? node).Name;

    private void PlanFloats(PlanBuilder plan, ReadOnlySpan<float> bias, ArenaMatrix tokens)
    {
        (ArenaMatrix x, FloatTensor weight) = FloatOperands(plan, node);
        if (!x.IsContiguous) // part of a map that was written in place: unfolding takes whole maps only
        {
            x = InCopy(
                plan, x,
                (source, copy) =>
                    new CompiledTokenOrder($"{node.Name}.input", source, copy, [.. Enumerable.Range(0, source.Rows)]));
        }

        ArenaMatrix patches = plan.NewMatrix(tokens.Rows, Patch);
        var packed = new PackedFloatWeights(weight.Span, bias, _layer.OutChannels, Patch);
        plan.Add(
            new CompiledPatchEmbedding(Name, x, Height, Width, patches, tokens, _layer, packed), [x],
            [tokens, patches]);
    }

    private void PlanIntegers(PlanBuilder plan, QuantizedLayer layer, ReadOnlySpan<float> bias, ArenaMatrix tokens)
    {
        ArenaBlock levels = QuantizeInput(plan, node, node.Inputs[0], layer.Input!, plan.Value(node.Inputs[0]).Columns);
        ArenaBlock patches = plan.NewBlock((long)tokens.Rows * CompiledIntegerLinear.LevelStride(Patch));
        var packed = new PackedIntegerWeights(
            layer.Levels, layer.Weight!.Scales, bias, _layer.OutChannels, Patch, layer.Weight.Bits);
        var grids = new TokenParameterBuffers(layer.Input!, isReversed: false);
        var operation = new CompiledIntegerPatchEmbedding(
            Name, levels, Height, Width, patches, tokens, _layer, packed, layer.Input!, grids);
        plan.Add(operation, [], [tokens], levels, patches);
    }
}
