
namespace Bitis.Graphs;

/// <summary>Shows each node's inputs to a probe before another evaluator computes the node.</summary>
/// <param name="inner">The evaluator that computes nodes.</param>
/// <param name="probe">The probe that reads the inputs.</param>
internal sealed class ProbingEvaluator(INodeEvaluator inner, ProbingEvaluator.Probe probe) : INodeEvaluator
{
    /// <summary>Reads a node's inputs; it must not change them.</summary>
    public delegate void Probe(Node node, ReadOnlySpan<FloatTensor> inputs);

    /// <inheritdoc />
    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        probe(node, inputs);
        return inner.Evaluate(node, inputs, parameters);
    }
}
