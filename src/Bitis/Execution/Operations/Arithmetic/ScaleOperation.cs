using Bitis.Execution.Gradients.Values;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>A product with a constant.</summary>
internal sealed class ScaleOperation(Node node) : ReferenceOperation(node, () => new ScaleGradient(node))
{
    /// <inheritdoc />
    public override GradientPassing Passing => GradientPassing.Scaled;
}
