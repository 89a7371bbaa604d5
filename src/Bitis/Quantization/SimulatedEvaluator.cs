using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Quantization;

/// <summary>
/// Simulated quantization ("fake quantization"): computes quantized layers in float32, with values that lie on the
/// quantizers' grids, and leaves the other nodes to another evaluator. Weights come from
/// <see cref="QuantizedModel.DequantizeWeights"/>.
/// </summary>
/// <remarks>
/// A layer with levels on both sides multiplies the levels themselves and applies the scales to the sum, as the integer
/// kernels do: <c>y = Σ (q_x − z)·q_w · (s_x·s_w) + b</c>. Sums below 2²⁴ are exact in float32, so the two agree bit for
/// bit as long as the nodes between them do.
/// </remarks>
/// <param name="inner">What computes a node.</param>
/// <param name="linears">The quantized layers, by the name of their node.</param>
/// <param name="scans">The quantized scans, by the name of their node; null for none.</param>
public sealed class SimulatedEvaluator(
    INodeEvaluator inner, IReadOnlyDictionary<string, QuantizedLinear> linears, IReadOnlyDictionary<string, QuantizedScan>? scans = null) : INodeEvaluator
{
    private readonly Dictionary<Node, Tensor[]> _levels = [];
    private readonly Dictionary<Node, Tensor> _softplusInputs = [];

    /// <inheritdoc />
    public Tensor Evaluate(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters)
    {
        if (scans is { Count: > 0 } && node.Operator is Softplus)
            _softplusInputs[node] = inputs[0];
        if (scans is not null && scans.TryGetValue(node.Name, out QuantizedScan? scan))
        {
            _softplusInputs.Remove(node.Inputs[1], out Tensor? delta);
            return SimulatedScan.Run(scan, [inputs[0], delta!, inputs[2], inputs[3]], parameters[1]);
        }
        if (!linears.TryGetValue(node.Name, out QuantizedLinear? linear) || linear.Input is not { } input)
            return inner.Evaluate(node, inputs, parameters);
        if (linear.Weight is not { } weight)
            return inner.Evaluate(node, [Map(inputs[0], input, input.Simulate)], parameters);

        Tensor x = linear.InputFactors is { } factors ? MultiplyChannels(inputs[0], factors) : inputs[0];
        Tensor levels = Map(x, input, input.CenteredLevels); // q_x − z
        Tensor y = inner.Evaluate(node, [levels], LevelParameters(node, linear));
        Rescale(y, input, weight, parameters.Length > 1 ? parameters[1].Span : default);
        return y;
    }

    /// <summary>The node's parameters with levels for weights, and no bias.</summary>
    private Tensor[] LevelParameters(Node node, QuantizedLinear linear)
    {
        if (!_levels.TryGetValue(node, out Tensor[]? parameters))
        {
            var shape = (Linear)node.Operator;
            Tensor levels = Tensor.Uninitialized([shape.OutFeatures, shape.InFeatures]);
            for (int i = 0; i < levels.Length; i++)
                levels.Span[i] = linear.Levels![i];
            parameters = shape.HasBias ? [levels, new Tensor([shape.OutFeatures])] : [levels];
            _levels.Add(node, parameters);
        }
        return parameters;
    }

    /// <summary>Sums of levels to values, in place: <c>y·(s_x·s_w) + b</c>.</summary>
    private static void Rescale(Tensor y, UniformQuantizer input, UniformQuantizer weight, ReadOnlySpan<float> bias)
    {
        int tokens = y.Shape[1], channels = y.Shape[2]; // [batch, tokens, channels]
        for (int row = 0; row < y.Length / channels; row++)
        {
            float inputScale = input.Scales[GroupOf(input, row % tokens)];
            Span<float> values = y.Span.Slice(row * channels, channels);
            for (int o = 0; o < channels; o++)
                values[o] = values[o] * (inputScale * weight.Scales[o]) + (bias.IsEmpty ? 0 : bias[o]);
        }
    }

    private static Tensor MultiplyChannels(Tensor x, float[] factors)
    {
        Tensor result = Tensor.Uninitialized(x.Shape);
        for (int start = 0; start < x.Length; start += factors.Length)
            TensorPrimitives.Multiply(x.Span.Slice(start, factors.Length), factors, result.Span[start..]);
        return result;
    }

    /// <summary>Applies a function of a quantizer to each token of an activation, <c>[batch, tokens, channels]</c>.</summary>
    private static Tensor Map(Tensor x, UniformQuantizer quantizer, TokenFunction function)
    {
        int tokens = x.Shape[1], channels = x.Shape[2];
        Tensor result = Tensor.Uninitialized(x.Shape);
        for (int row = 0; row < x.Length / channels; row++)
        {
            ReadOnlySpan<float> token = x.Span.Slice(row * channels, channels);
            function(token, GroupOf(quantizer, row % tokens), result.Span.Slice(row * channels, channels));
        }
        return result;
    }

    private static int GroupOf(UniformQuantizer quantizer, int token) => quantizer.Granularity == Granularity.PerToken ? token : 0;

    private delegate void TokenFunction(ReadOnlySpan<float> values, int group, Span<float> result);
}
