using Bitis.Graphs;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Search;

/// <summary>Writes mixtures as recipes with overrides.</summary>
internal static class MixedRecipe
{
    /// <summary>The recipe with the fewest overrides that makes a mixture; null if all stays in float32.</summary>
    /// <exception cref="BitisException">Overrides cannot say this.</exception>
    public static Recipe? Of(SearchSpace space, IReadOnlyList<int> mixture, string method)
    {
        BlockChoice[] choices = [.. mixture.Select((choice, block) => space.Choices[block][choice])];
        Recipe? best = choices.Where(choice => choice.Scope is not null).Distinct()
            .Concat(space.Uniform.Where(choice => space.UniformMixture(choice).SequenceEqual(mixture)))
            .Select(choice => Of(space, choices, method, choice))
            .MinBy(recipe => recipe.Overrides.Count);
        if (best is not null)
            RequireSame(space, choices, best);
        return best;
    }

    private static Recipe Of(SearchSpace space, BlockChoice[] choices, string method, BlockChoice common)
    {
        var recipe = new Recipe { Method = method, Bits = common.Bits, Scope = common.Scope!.Value };
        int[] usual = space.UniformMixture(common);
        return recipe with
        {
            Overrides =
            [
                .. choices.Index()
                    .Where(entry => space.IndexOf(entry.Index, entry.Item) != usual[entry.Index])
                    .SelectMany(entry => space.Blocks[entry.Index].Patterns.Select(
                        pattern => new SiteOverride(pattern, entry.Item.Bits, entry.Item.Scope))),
            ],
        };
    }

    /// <summary>Names of nodes may hold what patterns give a meaning to, so the result is compared.</summary>
    private static void RequireSame(SearchSpace space, BlockChoice[] choices, Recipe recipe)
    {
        var selection = new SiteSelection(recipe, space.Graph);
        var selected = selection.Layers.Concat(
            selection.Scans.Select(scan => (scan.Node, new BitWidths(BitWidths.Float, scan.Bits)))).ToHashSet();
        HashSet<(Node, BitWidths)> wanted = [.. choices.SelectMany((choice, b) => space.Blocks[b].Sites(choice))];
        if (!selected.SetEquals(wanted))
        {
            throw new BitisException(
                "The names of the model's layers do not tell its blocks apart, so no recipe can mix them: give layers "
                + "names of their own, without '*' and '?'.");
        }
    }
}
