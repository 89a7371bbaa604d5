using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>Folds input factors (1/m) into the operator that computes the input, so that they cost nothing.</summary>
/// <remarks>
/// <code>
///   norm → linear             the norm's weight and bias
///   linear → slice → linear   the first linear's scales and bias, for the channels of the slice
/// </code>
/// The input must have no other user. Elsewhere (after the scan's u, and after the gate) the multiplication stays in
/// the step that quantizes.
/// </remarks>
internal static class SmoothingFolding
{
    /// <summary>Folds what can be folded.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">The float parameters; those that change are replaced.</param>
    /// <param name="layers">The quantized layers; those that change are replaced.</param>
    public static void Fold(
        Graph graph, Dictionary<string, FloatTensor> weights, Dictionary<string, QuantizedLayer> layers)
    {
        FusedGraph fused = FusionPass.Run(graph, FusionRules.Training);
        foreach (Node node in graph.Nodes)
        {
            if (!layers.TryGetValue(node.Name, out QuantizedLayer? linear) || linear.InputFactors is not { } factors)
                continue;
            Node input = node.Inputs[0];
            ValueView? slice = fused.ProducerOf(input) is ValueView { FirstChannel: not null } view ? view : null;
            Node source = slice is null ? input : input.Inputs[0];
            if (fused.OnlyReaderOf(input) is null || !source.Operator.TakesOutputFactors || !IsHidden(source, graph)
                || !IsOnlyViewOf(source, slice, fused))
            {
                continue;
            }

            Multiply(source, slice?.FirstChannel ?? 0, factors, weights, layers);
            layers[node.Name] = new QuantizedLayer(linear.Levels, linear.Weight, linear.Input);
        }
    }

    /// <summary>Whether a node's value is not the model's output, and no other node shares its parameters.</summary>
    private static bool IsHidden(Node node, Graph graph) =>
        node != graph.Output && node.ParameterNames.All(name => graph.OtherUserOf(name, node) is null);

    /// <summary>Whether no other reader of a value has channels of a slice; true without a slice.</summary>
    private static bool IsOnlyViewOf(Node source, ValueView? slice, FusedGraph fused) =>
        slice is null || fused.ReadersOf(source)
        .Where(reader => reader != slice)
        .All(
            reader =>
                reader is ValueView { FirstChannel: { } first } other
                    && (first >= slice.EndChannel || other.EndChannel <= slice.FirstChannel));

    /// <summary>Multiplies channels of a node's output by factors, from a first channel on.</summary>
    /// <remarks>It multiplies the rows of the node's parameters, or the scales of its quantized weights.</remarks>
    private static void Multiply(
        Node node, int start, float[] factors, Dictionary<string, FloatTensor> weights,
        Dictionary<string, QuantizedLayer> layers)
    {
        QuantizedLayer? layer = layers.GetValueOrDefault(node.Name);
        for (int i = 0; i < node.ParameterNames.Count; i++)
        {
            string name = node.ParameterNames[i];
            if (i > 0 || layer?.Weight is not { } quantizer)
            {
                weights[name] = Multiplied(weights[name], factors, start);
                continue;
            }
            float[] scales = quantizer.Scales.ToArray();
            for (int channel = 0; channel < factors.Length; channel++)
                scales[start + channel] *= factors[channel];
            layers[node.Name] = new QuantizedLayer(
                layer.Levels, UniformQuantizer.Symmetric(quantizer.Bits, Granularity.PerChannel, scales), layer.Input,
                    layer.InputFactors);
        }
    }

    /// <summary>A copy of a tensor with rows multiplied by factors, from a row on.</summary>
    private static FloatTensor Multiplied(FloatTensor values, float[] factors, int firstRow)
    {
        FloatTensor result = values.Clone();
        int rowLength = values.Length / values.Shape[0];
        for (int i = 0; i < factors.Length; i++)
        {
            foreach (ref float value in result.Span.Slice((firstRow + i) * rowLength, rowLength))
                value *= factors[i];
        }
        return result;
    }
}
