using Bitis.Graphs;
using Bitis.Training.Gradients;

namespace Bitis.Execution.Operations;

/// <summary>A product with a constant.</summary>
internal sealed class ScaleOperation(Node node) : ReferenceOperation(node, () => new ScaleGradient(node))
{
    /// <inheritdoc />
    public override GradientPassing Passing => GradientPassing.Scaled;
}
