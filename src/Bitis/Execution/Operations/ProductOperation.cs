using Bitis.Execution.Compiled;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations;

/// <summary>The product of two values.</summary>
/// <remarks>If the first one has an index map that all readers take, the product keeps it.</remarks>
internal sealed class ProductOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix left = plan.Value(node.Inputs[0]), right = plan.Value(node.Inputs[1]), y;
        if (left.RowMap is null)
            y = plan.PlaceOver(node.Inputs[0], node);
        else if (plan.IndexMapOf(node) is null)
            y = plan.Allocate(node);
        else if (plan.CanOverwrite(node.Inputs[0]))
            y = left;
        else
            y = plan.NewMatrix(left.RowMap.Max() + 1, left.Columns) with { Rows = left.Rows, RowMap = left.RowMap };
        plan.Add(new CompiledProduct(node.Name, left, right, y), [left, right], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new ProductGradient(node);
}
