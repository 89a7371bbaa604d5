using Bitis.Graphs;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Search.Mixtures;

/// <summary>Writes mixtures as recipes with overrides.</summary>
internal static class MixedRecipe
{
    /// <summary>The recipe with the fewest overrides that makes a mixture; null if all stays in float32.</summary>
    /// <exception cref="BitisException">Overrides cannot say this.</exception>
    public static Recipe? Of(SearchSpace space, IReadOnlyList<int> mixture, string method)
    {
        PartChoice[] choices = [.. mixture.Select((choice, part) => space.Choices[part][choice])];
        if (choices.All(choice => choice.Scope is null))
            return null;
        Recipe best = space.Uniform.Concat(choices.Where(choice => choice.Scope is not null)).Distinct()
            .Select(common => Of(space, choices, method, common))
            .MinBy(recipe => recipe.Overrides.Count)!;
        RequireSame(space, choices, best);
        return best;
    }

    private static Recipe Of(SearchSpace space, PartChoice[] choices, string method, PartChoice common)
    {
        int[] usual = space.UniformMixture(common);
        return new Recipe
        {
            Method = method,
            Bits = common.Bits,
            Scope = common.Scope!.Value,
            Overrides =
            [
                .. Enumerable.Range(0, choices.Length).GroupBy(part => space.Parts[part].Segment)
                    .SelectMany(parts => OfSegment(space, choices, usual, [.. parts])),
            ],
        };
    }

    /// <summary>The fewest overrides for the parts of a block. The first that matches a name decides.</summary>
    private static SiteOverride[] OfSegment(SearchSpace space, PartChoice[] choices, int[] usual, int[] parts)
    {
        SiteOverride[] best = [.. parts.SelectMany(part => OfPart(part, usual[part]))];
        if (space.Parts[parts[0]].SegmentPattern is not { } pattern)
            return best;
        foreach (PartChoice common in space.Uniform.Prepend(PartChoice.Float))
        {
            // An override that leaves in float32 what the recipe does not quantize either is refused as idle.
            if (parts.Any(part => choices[part].Scope is null && usual[part] == 0 && space.IndexOf(part, common) != 0))
                continue;
            SiteOverride[] overrides =
            [
                .. parts.SelectMany(part => OfPart(part, space.IndexOf(part, common))),
                new SiteOverride(pattern, common.Bits, common.Scope),
            ];
            best = overrides.Length < best.Length ? overrides : best;
        }
        return best;

        IEnumerable<SiteOverride> OfPart(int part, int otherwise) =>
            space.IndexOf(part, choices[part]) == otherwise
                ? []
                : space.Parts[part].Patterns.Select(
                    name => new SiteOverride(name, choices[part].Bits, choices[part].Scope));
    }

    /// <summary>Names of nodes may hold what patterns give a meaning to, so the result is compared.</summary>
    private static void RequireSame(SearchSpace space, PartChoice[] choices, Recipe recipe)
    {
        var selection = new SiteSelection(recipe, space.Graph);
        var selected = selection.Layers.Concat(
            selection.Scans.Select(scan => (scan.Node, new BitWidths(BitWidths.Float, scan.Bits)))).ToHashSet();
        HashSet<(Node, BitWidths)> wanted = [.. choices.SelectMany((choice, p) => space.Parts[p].Quantized(choice))];
        if (!selected.SetEquals(wanted))
        {
            throw new BitisException(
                "The names of the model's layers do not tell its parts apart, so no recipe can mix them: give layers "
                + "names of their own, without '*' and '?'.");
        }
    }
}
