using Bitis.Graphs;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Recipes;

/// <summary>Finds members of a recipe that have no effect on a model.</summary>
/// <remarks>
/// Only new quantizations are checked. Recipes in model files may be of older versions, which accepted such members.
/// </remarks>
internal static class IdleMembers
{
    /// <summary>Refuses members of a recipe that have no effect on a model.</summary>
    /// <exception cref="BitisException">A member has no effect; the message names it.</exception>
    /// <param name="recipe">The recipe.</param>
    /// <param name="scans">The scans that it quantizes.</param>
    /// <param name="graph">The model.</param>
    public static void Refuse(Recipe recipe, IReadOnlyList<Node> scans, Graph graph)
    {
        string? member = recipe.TimeGroups is not null ? "timeGroups" : recipe.Decay is not null ? "decay" : null;
        if (member is not null)
            RefuseForScans(recipe, scans, graph, member);
        if (recipe.Overrides.GroupBy(entry => entry.Pattern).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new BitisException(
                $"The override '{twice.Key}' is there twice, and the first decides: leave the other out.");
        }
        // An earlier one may keep later ones away from what it matches.
        if (recipe.Overrides is [.., { Bits: null } last] && last.Scope == recipe.Scope)
            throw Idle("overrides", $"'{last}' gives the scope that the recipe has");
    }

    private static void RefuseForScans(Recipe recipe, IReadOnlyList<Node> scans, Graph graph, string member)
    {
        if (graph.Nodes.All(node => node.Operator.ScanSize is null))
            throw Idle(member, "the model has no scans");
        if (scans.Count == 0)
        {
            throw Idle(
                member,
                $"scans stay float32 with {recipe.Bits}{(recipe.Overrides.Count > 0 ? " and its overrides" : "")}");
        }
        if (recipe.Decay == DecaySpacing.LongTailed && !recipe.Scan.SearchesOutput)
            throw Idle("decay", $"the method '{recipe.Method}' does not try long-tailed levels (qmamba does)");
        int longest = scans.Max(scan => scan.Shape[0]);
        if (recipe.TimeGroups > longest)
        {
            throw new BitisException(
                $"The recipe has {recipe.TimeGroups} groups of tokens (timeGroups), "
                + $"but the model's longest scan has {DisplayText.Count(longest, "token")}; take fewer groups.");
        }
    }

    private static BitisException Idle(string member, string reason) =>
        new($"The recipe's '{member}' does nothing, since {reason}: leave it out.");
}
