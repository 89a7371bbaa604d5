using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Graphs;
using Bitis.Kernels.Activations;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>The rectifier. Its backward pass needs only signs.</summary>
internal sealed class ReluOperation(Node node) : ElementwiseOperation(node, Elementwise.Relu)
{
    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new ReluGradient(Node);
}
