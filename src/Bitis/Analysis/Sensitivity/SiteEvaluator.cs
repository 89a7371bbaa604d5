using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>Computes a model in float32 with chosen sites on their levels.</summary>
/// <param name="inner">Computes everything else.</param>
/// <param name="layers">The quantized layers, which are neither smoothed nor rotated.</param>
/// <param name="scans">The quantized scans.</param>
/// <param name="threads">How many threads compute a scan; 0 for one on each processor.</param>
internal sealed class SiteEvaluator(
    VectorizedEvaluator inner, IReadOnlyDictionary<string, QuantizedLayer> layers,
    IReadOnlyDictionary<string, QuantizedScan> scans, int threads) : INodeEvaluator
{
    private readonly Dictionary<Node, FloatTensor> _softplusInputs = [], _weights = [];

    /// <summary>Whether a site of a node of some name is quantized.</summary>
    public Func<string, SiteKind, bool> IsQuantized { get; set; } = (_, _) => false;

    /// <inheritdoc />
    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        if (node.Operator.IsPartOfQuantizedScan)
            _softplusInputs[node] = inputs[0];
        return Compute(node, IsQuantized, inputs, parameters);
    }

    /// <summary>A node's value with some of its sites quantized.</summary>
    public FloatTensor Compute(
        Node node, Func<string, SiteKind, bool> isQuantized, ReadOnlySpan<FloatTensor> inputs,
        ReadOnlySpan<FloatTensor> parameters)
    {
        if (scans.TryGetValue(node.Name, out QuantizedScan? scan))
        {
            HashSet<SiteKind> sites =
                [.. SiteList.OfScans.Where(kind => isQuantized(node.Name, kind))];
            return sites.Count == 0
                ? inner.Evaluate(node, inputs, parameters)
                : new PartialScan(scan, sites, ThreadCount.Resolve(threads)).Run(
                    [inputs[0], _softplusInputs[node.Inputs[1]], inputs[2], inputs[3]], parameters);
        }
        if (!layers.TryGetValue(node.Name, out QuantizedLayer? layer))
            return inner.Evaluate(node, inputs, parameters);
        FloatTensor[] values = [.. inputs], weights = [.. parameters];
        if (layer.Input is { } input && isQuantized(node.Name, SiteKind.Input))
            values[0] = SimulatedEvaluator.Map(inputs[0], input.Simulate);
        if (layer.Weight is not null && isQuantized(node.Name, SiteKind.Weight))
        {
            if (!_weights.TryGetValue(node, out FloatTensor? levels))
                _weights.Add(node, levels = layer.DequantizeWeight(node.Operator));
            weights[0] = levels;
        }
        return inner.Evaluate(node, values, weights);
    }
}
