using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

/// <summary>The reference, which keeps the value of every node.</summary>
internal sealed class RecordingEvaluator : INodeEvaluator
{
    public Dictionary<string, Tensor> Values { get; } = [];

    public Tensor Evaluate(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters) =>
        Values[node.Name] = node.Operator.Forward(inputs, parameters);
}
