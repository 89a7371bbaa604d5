using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>A function of single elements.</summary>
internal class ElementwiseOperation(Node node, KernelTable<ElementwiseKernel> forms) : Operation
{
    /// <summary>The node.</summary>
    protected Node Node => node;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node);
        plan.Add(new CompiledElementwise(node.Name, node.Operator.Kind, x, y, forms), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new UnaryGradient(node, forms);
}
