using Bitis.Execution.Operations;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization;
using Bitis.Quantization.Scans;

namespace Bitis.Execution.Sessions;

/// <summary>
/// Computes nodes one by one, with the operations of an <see cref="InferenceSession"/> and the same bits.
/// </summary>
/// <remarks>For work that has to see every tensor, such as calibration and simulated quantization.</remarks>
internal sealed class VectorizedEvaluator : INodeEvaluator, IDisposable
{
    private static readonly Dictionary<string, QuantizedLayer> NoLayers = [];
    private static readonly Dictionary<string, QuantizedScan> NoScans = [];

    private readonly Dictionary<(Node Node, FloatTensor? Weight), (
        FloatTensor[] Parameters, NodePlan Plan)> _plans = [];
    private readonly Dictionary<Node, FloatTensor> _softplusInputs = [];
    private readonly ParallelOptions _threads;

    /// <summary>Creates an evaluator.</summary>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. Results do not depend on it.
    /// </param>
    public VectorizedEvaluator(int threads = 0)
    {
        _threads = new ParallelOptions { MaxDegreeOfParallelism = ThreadCount.Resolve(threads) };
    }

    /// <summary>Scans that compute in integers, by the name of their node; null for none.</summary>
    public IReadOnlyDictionary<string, QuantizedScan>? Scans { get; init; }

    /// <inheritdoc />
    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        if (Scans is { Count: > 0 } && node.Operator.IsPartOfQuantizedScan)
            _softplusInputs[node] = inputs[0];
        if (Scans is not null && Scans.TryGetValue(node.Name, out QuantizedScan? scan))
        {
            // An integer scan applies the softplus itself.
            _softplusInputs.Remove(node.Inputs[1], out FloatTensor? delta);
            Node softplus = node.Inputs[1];
            Node[] sources = [node.Inputs[0], softplus.Inputs[0], node.Inputs[2], node.Inputs[3]];
            return Run(node, [softplus, node], sources, [inputs[0], delta!, inputs[2], inputs[3]], parameters, scan);
        }
        if (!OperationTable.HasKernel(node.Operator))
            return node.Operator.Forward(inputs, parameters);
        return Run(node, [node], node.Inputs, inputs, parameters, scan: null);
    }

    /// <summary>Frees the plans with their packed weights.</summary>
    public void Dispose()
    {
        foreach ((_, NodePlan plan) in _plans.Values)
            plan.Dispose();
        _plans.Clear();
    }

    /// <summary>Runs the plan of an operation. The plan is built at the first use of the parameters.</summary>
    /// <param name="node">The node that the operation computes.</param>
    /// <param name="members">All its nodes.</param>
    /// <param name="sources">The nodes whose values it reads.</param>
    /// <param name="inputs">The values of these.</param>
    /// <param name="parameters">The parameters of the node.</param>
    /// <param name="scan">The quantized scan; null if it is no quantized scan.</param>
    private FloatTensor Run(
        Node node,
        IReadOnlyList<Node> members,
        IReadOnlyList<Node> sources,
        ReadOnlySpan<FloatTensor> inputs,
        ReadOnlySpan<FloatTensor> parameters,
        QuantizedScan? scan)
    {
        (Node, FloatTensor?) key = (node, parameters.IsEmpty ? null : parameters[0]);
        if (!_plans.TryGetValue(key, out (FloatTensor[] Parameters, NodePlan Plan) known)
            || !known.Parameters.AsSpan().SequenceEqual(parameters))
        {
            known.Plan?.Dispose();
            var byName = new Dictionary<string, FloatTensor>();
            for (int i = 0; i < parameters.Length; i++)
                byName[node.ParameterNames[i]] = parameters[i];
            known = (
                parameters.ToArray(),
                NodePlan.Create(
                    GraphSegment.Isolate(sources.Distinct(), members, node), byName, NoLayers,
                    scan is null ? NoScans : new Dictionary<string, QuantizedScan> { [node.Name] = scan }));
            _plans[key] = known;
        }
        var distinct = new List<FloatTensor>(inputs.Length);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!sources.Take(i).Contains(sources[i]))
                distinct.Add(inputs[i]);
        }
        return known.Plan.Run([.. distinct], _threads);
    }
}
