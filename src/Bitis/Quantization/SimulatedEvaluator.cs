using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>
/// Simulated quantization ("fake quantization"): replaces the inputs of quantized layers by what their levels stand for,
/// then lets another evaluator compute in float32. With <see cref="QuantizedModel.DequantizeWeights"/> this is what the
/// integer runtime computes, up to float32 rounding.
/// </summary>
/// <param name="inner">What computes a node.</param>
/// <param name="model">The quantized model.</param>
public sealed class SimulatedEvaluator(INodeEvaluator inner, QuantizedModel model) : INodeEvaluator
{
    /// <inheritdoc />
    public Tensor Evaluate(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters)
    {
        if (!model.Linears.TryGetValue(node.Name, out QuantizedLinear? linear) || linear.Input is null)
            return inner.Evaluate(node, inputs, parameters);
        return inner.Evaluate(node, [Simulate(inputs[0], linear.Input)], parameters);
    }

    /// <summary>x̂ for a whole activation.</summary>
    private static Tensor Simulate(Tensor x, UniformQuantizer quantizer)
    {
        int tokens = x.Shape[1], channels = x.Shape[2]; // [batch, tokens, channels]
        Tensor result = Tensor.Uninitialized(x.Shape);
        for (int row = 0; row < x.Length / channels; row++)
        {
            int group = quantizer.Granularity == Granularity.PerToken ? row % tokens : 0;
            quantizer.Simulate(x.Span.Slice(row * channels, channels), group, result.Span[(row * channels)..]);
        }
        return result;
    }
}
