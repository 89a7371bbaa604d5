
namespace Bitis.Graphs;

/// <summary>The oracle of the tests: each operator's reference forward pass.</summary>
internal sealed class ReferenceEvaluator : INodeEvaluator
{
    /// <summary>The one instance; it has no state.</summary>
    public static ReferenceEvaluator Instance { get; } = new();

    /// <inheritdoc />
    public FloatTensor Evaluate(Node node, ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters) =>
        node.Operator.Forward(inputs, parameters);
}
