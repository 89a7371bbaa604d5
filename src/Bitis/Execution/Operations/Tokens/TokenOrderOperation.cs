using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Execution.Operations.Tokens;

/// <summary>A copy with the tokens in another order, one after the other or several side by side.</summary>
/// <param name="node">The node.</param>
/// <param name="sources">
/// The token of the input that each token, or part of a token, of the output is; -1 for zeros.
/// </param>
internal sealed class TokenOrderOperation(Node node, int[] sources) : Operation
{
    /// <summary>An arrangement that is no view.</summary>
    public static TokenOrderOperation Of(Node node, ArrangeTokens arrangement) => new(node, [.. arrangement.Sources]);

    /// <summary>A reversal that is no view.</summary>
    public static TokenOrderOperation Reversal(Node node) =>
        new(node, [.. Enumerable.Range(0, node.Shape[0]).Reverse()]);

    /// <summary>Patches of four tokens side by side.</summary>
    public static TokenOrderOperation Of(Node node, MergePatches merge) => new(
        node,
        [.. Enumerable.Range(0, node.Shape[0] * MergePatches.Parts).Select(
            i => merge.Source(i / MergePatches.Parts, i % MergePatches.Parts) ?? -1)]);

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.Allocate(node);
        plan.Add(new CompiledTokenOrder(node.Name, x, y, sources), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new TokenOrderGradient(node, sources);
}
