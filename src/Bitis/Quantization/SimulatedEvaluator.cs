using System.Numerics.Tensors;
using Bitis.Graphs;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>
/// Simulated quantization ("fake quantization"): computes quantized layers in float32 with values on the quantizers'
/// levels.
/// </summary>
/// <remarks>
/// Another evaluator computes the other nodes. Weights come from <see cref="QuantizedModel.DequantizeWeights"/>. A
/// layer with quantized weights and input multiplies the levels and applies the scales to the sum, as the integer
/// kernels do: <c>y = Σ (q_x − z)·q_w · (s_x·s_w) + b</c>. Sums below 2²⁴ are exact in float32. So the two agree bit
/// for bit if the nodes between them do.
/// </remarks>
/// <param name="inner">The evaluator of the other nodes.</param>
/// <param name="layers">The quantized layers, by the name of their node.</param>
/// <param name="scans">The quantized scans, by the name of their node; null for none.</param>
internal sealed class SimulatedEvaluator(
    INodeEvaluator inner, IReadOnlyDictionary<string, QuantizedLayer> layers,
    IReadOnlyDictionary<string, QuantizedScan>? scans = null) : INodeEvaluator
{
    private readonly Dictionary<Node, FloatTensor[]> _levels = [];
    private readonly Dictionary<Node, FloatTensor> _softplusInputs = [];

    /// <inheritdoc />
    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        if (scans is { Count: > 0 } && node.Operator.IsPartOfQuantizedScan)
            _softplusInputs[node] = inputs[0];
        if (scans is not null && scans.TryGetValue(node.Name, out QuantizedScan? scan))
        {
            _softplusInputs.Remove(node.Inputs[1], out FloatTensor? delta);
            return SimulatedScan.Run(scan, [inputs[0], delta!, inputs[2], inputs[3]], parameters[1]);
        }
        if (!layers.TryGetValue(node.Name, out QuantizedLayer? layer) || layer.Input is not { } input)
            return inner.Evaluate(node, inputs, parameters);
        if (layer.Weight is not { } weight)
            return inner.Evaluate(node, [Map(inputs[0], input.Simulate)], parameters);

        FloatTensor x = QuantizerInput(layer, inputs[0]);
        // of q_x − z
        FloatTensor y = inner.Evaluate(node, [Map(x, input.CenteredLevels)], LevelParameters(node, layer));
        ReadOnlySpan<float> bias = parameters.Length > 1 ? parameters[1].Span : default;
        if (node.Operator.Product is { IsOfMaps: true })
            RescaleMaps(y, input, weight, bias);
        else
            RescaleTokens(y, input, weight, bias);
        return y;
    }

    /// <summary>A layer's input as its quantizer sees it: with the channels' factors, or rotated.</summary>
    internal static FloatTensor QuantizerInput(QuantizedLayer layer, FloatTensor input) =>
        layer.InputFactors is { } factors ? MultiplyChannels(input, factors) : Rotate(input, layer.RotationOrder);

    /// <summary>The node's parameters with levels for weights, and no bias.</summary>
    private FloatTensor[] LevelParameters(Node node, QuantizedLayer layer)
    {
        if (!_levels.TryGetValue(node, out FloatTensor[]? parameters))
        {
            parameters = [.. node.Operator.Parameters.Select(parameter => new FloatTensor(parameter.Shape))];
            for (int i = 0; i < parameters[0].Length; i++)
                parameters[0].Span[i] = layer.Levels![i];
            _levels.Add(node, parameters);
        }
        return parameters;
    }

    /// <summary>
    /// Converts sums of levels to values, in place: <c>y·(s_x·s_w) + b</c>, for <c>[batch, tokens, channels]</c> or
    /// <c>[batch, channels]</c>.
    /// </summary>
    private static void RescaleTokens(
        FloatTensor y, UniformQuantizer input, UniformQuantizer weight, ReadOnlySpan<float> bias)
    {
        int channels = y.Shape[^1], tokens = y.Length / (y.Shape[0] * channels);
        for (int row = 0; row < y.Length / channels; row++)
        {
            Span<float> values = y.Span.Slice(row * channels, channels);
            for (int o = 0; o < channels; o++)
            {
                values[o] = values[o] * (
                    input.Scales[input.GroupOf(row % tokens, o)] * weight.Scales[o]) + (bias.IsEmpty ? 0 : bias[o]);
            }
        }
    }

    /// <summary>
    /// As <see cref="RescaleTokens"/>, for <c>[batch, channels, height, width]</c>, with one scale for the input.
    /// </summary>
    private static void RescaleMaps(
        FloatTensor y, UniformQuantizer input, UniformQuantizer weight, ReadOnlySpan<float> bias)
    {
        int channels = y.Shape[1], pixels = y.Shape[2] * y.Shape[3];
        for (int map = 0; map < y.Shape[0] * channels; map++)
        {
            int o = map % channels;
            float scale = input.Scales[0] * weight.Scales[o];
            foreach (ref float value in y.Span.Slice(map * pixels, pixels))
                value = value * scale + (bias.IsEmpty ? 0 : bias[o]);
        }
    }

    private static FloatTensor MultiplyChannels(FloatTensor x, float[] factors)
    {
        FloatTensor result = FloatTensor.Uninitialized(x.Shape);
        for (int start = 0; start < x.Length; start += factors.Length)
            TensorPrimitives.Multiply(x.Span.Slice(start, factors.Length), factors, result.Span[start..]);
        return result;
    }

    private static FloatTensor Rotate(FloatTensor x, int order)
    {
        if (order == 1)
            return x;
        FloatTensor result = FloatTensor.Uninitialized(x.Shape);
        Rotation.Apply(x.Span, order, result.Span);
        return result;
    }

    /// <summary>Applies a quantizer's function to each row of an activation: a token, or a line of a map.</summary>
    internal static FloatTensor Map(FloatTensor x, TokenFunction function)
    {
        int columns = x.Shape[^1], rows = x.Length / (x.Shape[0] * columns);
        FloatTensor result = FloatTensor.Uninitialized(x.Shape);
        for (int row = 0; row < x.Length / columns; row++)
            function(x.Span.Slice(row * columns, columns), row % rows, result.Span.Slice(row * columns, columns));
        return result;
    }

    internal delegate void TokenFunction(ReadOnlySpan<float> values, int token, Span<float> result);
}
