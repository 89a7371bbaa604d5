using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Execution.Operations.Tokens;

/// <summary>A view of another value: nothing is computed.</summary>
/// <param name="node">The view.</param>
/// <param name="view">
/// Gives the view of the other value's memory; null for an index map, which the fusion holds.
/// </param>
internal sealed class ViewOperation(Node node, Func<ArenaMatrix, ArenaMatrix>? view) : Operation
{
    /// <summary>The view of a node.</summary>
    public static ViewOperation Of(ValueView fused) => new(fused.Node, fused.Node.Operator switch
    {
        SliceChannels slice => x => x.Slice(slice.Start, slice.Length),
        ReverseTokens => x => x.Reverse(),
        ArrangeTokens => null,
        SelectToken select => x => x.Row(select.Position),
        _ => throw new InvalidOperationException($"'{fused.Node.Name}' ({fused.Node.Operator.Kind}) is no view."),
    });

    /// <summary>The view of a value, or of its gradient, where no index map is needed.</summary>
    public ArenaMatrix Show(ArenaMatrix x) =>
        (view ?? throw new InvalidOperationException($"'{node.Name}' is seen through an index map."))(x);

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]);
        plan.SetValue(
            node,
            view is not null
                ? view(x)
                : plan.IndexMapOf(node) is { } map
                ? x with { Rows = map.Length, RowMap = map }
                : x);
    }

    /// <inheritdoc />
    public override OperationGradient? CreateGradient(GradientContext context) => null;
}
