using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>
/// Makes input factors (1/m) part of what computes the input, where nobody else uses it, so that they cost nothing:
/// <code>
///   norm → linear             the norm's weight and bias
///   linear → slice → linear   the first linear's scales and bias, for the channels of the slice
/// </code>
/// Elsewhere (after the scan's u, and after the gate) the multiplication stays in the step that quantizes.
/// </summary>
internal static class SmoothingFolding
{
    /// <summary>Folds what can be folded.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">The float parameters; those that change are replaced.</param>
    /// <param name="layers">The quantized layers; those that change are replaced.</param>
    public static void Fold(Graph graph, Dictionary<string, Tensor> weights, Dictionary<string, QuantizedLayer> layers)
    {
        ILookup<Node, Node> users = graph.Nodes.SelectMany(node => node.Inputs, (user, used) => (user, used)).ToLookup(pair => pair.used, pair => pair.user);
        foreach (Node node in graph.Nodes)
        {
            if (!layers.TryGetValue(node.Name, out QuantizedLayer? linear) || linear.InputFactors is not { } factors || users[node.Inputs[0]].Count() != 1)
                continue;
            Node input = node.Inputs[0];
            bool folded = input.Operator switch
            {
                RmsNorm or LayerNorm when IsHidden(input, graph) => FoldIntoParameters(input, factors, weights),
                Linear when IsHidden(input, graph) => FoldIntoLinear(input, 0, factors, weights, layers),
                SliceChannels slice when input != graph.Output && input.Inputs[0].Operator is Linear && IsHidden(input.Inputs[0], graph) && IsOnlyViewOf(input, slice, users) =>
                    FoldIntoLinear(input.Inputs[0], slice.Start, factors, weights, layers),
                _ => false,
            };
            if (folded)
                layers[node.Name] = new QuantizedLayer(linear.Levels, linear.Weight, linear.Input);
        }
    }

    /// <summary>Whether a node's value is not the answer, and its parameters are those of no other node.</summary>
    private static bool IsHidden(Node node, Graph graph) =>
        node != graph.Output && !graph.Nodes.Any(other => other != node && other.ParameterNames.Any(node.ParameterNames.Contains));

    /// <summary>Whether no other slice of the same value, nor anything else, has channels of a slice.</summary>
    private static bool IsOnlyViewOf(Node node, SliceChannels slice, ILookup<Node, Node> users) => users[node.Inputs[0]]
        .Where(user => user != node)
        .All(user => user.Operator is SliceChannels other && (other.Start >= slice.Start + slice.Length || other.Start + other.Length <= slice.Start));

    private static bool FoldIntoParameters(Node norm, float[] factors, Dictionary<string, Tensor> weights)
    {
        foreach (string name in norm.ParameterNames)
            weights[name] = Multiplied(weights[name], factors, 0, 1);
        return true;
    }

    private static bool FoldIntoLinear(
        Node node, int start, float[] factors, Dictionary<string, Tensor> weights, Dictionary<string, QuantizedLayer> layers)
    {
        var layer = (Linear)node.Operator;
        if (layer.HasBias)
            weights[node.ParameterNames[1]] = Multiplied(weights[node.ParameterNames[1]], factors, start, 1);
        if (layers.GetValueOrDefault(node.Name) is not { Weight: { } quantizer } linear)
        {
            weights[node.ParameterNames[0]] = Multiplied(weights[node.ParameterNames[0]], factors, start, layer.InFeatures);
            return true;
        }
        float[] scales = quantizer.Scales.ToArray();
        for (int i = 0; i < factors.Length; i++)
            scales[start + i] *= factors[i];
        layers[node.Name] = new QuantizedLayer(
            linear.Levels, UniformQuantizer.Symmetric(quantizer.Bits, Granularity.PerChannel, scales), linear.Input, linear.InputFactors);
        return true;
    }

    /// <summary>A copy of a tensor with rows of some length multiplied by factors, from a row on.</summary>
    private static Tensor Multiplied(Tensor values, float[] factors, int firstRow, int rowLength)
    {
        Tensor result = values.Clone();
        for (int i = 0; i < factors.Length; i++)
        {
            foreach (ref float value in result.Span.Slice((firstRow + i) * rowLength, rowLength))
                value *= factors[i];
        }
        return result;
    }
}
