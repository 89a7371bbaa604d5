using Bitis.Graphs;

namespace Bitis.Tests.Models;

/// <summary>The reference, which keeps the value of every node.</summary>
internal sealed class RecordingEvaluator : INodeEvaluator
{
    public Dictionary<string, FloatTensor> Values { get; } = [];

    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters) =>
        Values[node.Name] = node.Operator.Forward(inputs, parameters);
}
