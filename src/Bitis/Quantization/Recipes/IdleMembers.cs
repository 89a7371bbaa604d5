using Bitis.Graphs;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Recipes;

/// <summary>Finds what a recipe says without any effect on a model.</summary>
/// <remarks>
/// Only new quantizations are checked. Recipes in model files may be of older versions, which let it pass.
/// </remarks>
internal static class IdleMembers
{
    /// <summary>Refuses members of a recipe that do nothing for a model.</summary>
    /// <exception cref="BitisException">There is one; the message names it.</exception>
    public static void Refuse(Recipe recipe, Graph graph)
    {
        string? member = recipe.TimeGroups is not null ? "timeGroups" : recipe.Decay is not null ? "decay" : null;
        if (member is not null)
            RefuseForScans(recipe, graph, member);
        if (recipe.Overrides.GroupBy(entry => entry.Pattern).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new BitisException(
                $"The override '{twice.Key}' is there twice, and the first decides: leave the other out.");
        }
    }

    private static void RefuseForScans(Recipe recipe, Graph graph, string member)
    {
        if (recipe.Bits.Activations == BitWidths.Float)
            throw Idle(member, $"scans stay float32 with {recipe.Bits}");
        Node[] scans = [.. graph.Nodes.Where(node => node.Operator.ScanSize is not null)];
        if (scans.Length == 0)
            throw Idle(member, "the model has no scans");
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
