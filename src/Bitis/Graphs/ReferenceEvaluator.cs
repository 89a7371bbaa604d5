using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>The oracle: each operator's own plain forward.</summary>
internal sealed class ReferenceEvaluator : INodeEvaluator
{
    /// <summary>The one instance; it has no state.</summary>
    public static ReferenceEvaluator Instance { get; } = new();

    /// <inheritdoc />
    public Tensor Evaluate(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters) =>
        node.Operator.Forward(inputs, parameters);
}
