using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>A learned embedding that is added to the tokens.</summary>
internal sealed class AddEmbeddingOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override GradientPassing Passing => GradientPassing.Unchanged;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node);
        plan.Add(new CompiledAddEmbedding(node.Name, x, y, plan.Parameter(node, 0)), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new AddEmbeddingGradient(node);
}
