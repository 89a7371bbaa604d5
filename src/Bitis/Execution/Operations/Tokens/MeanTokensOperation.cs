using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Tokens;

/// <summary>The mean over the tokens.</summary>
internal sealed class MeanTokensOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.Allocate(node);
        plan.Add(new CompiledMeanTokens(node.Name, x, y), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new PoolGradient(node, token: null);
}
