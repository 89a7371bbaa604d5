using Bitis.Gpu.Plans.Patterns;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>Levels of u that projections of one direction or of several read.</summary>
/// <param name="Members">The directions.</param>
/// <param name="Layer">The projection of the first one.</param>
/// <param name="Tokens">Which of its tokens each row has.</param>
internal sealed record ProjectionLevels(IReadOnlyList<int> Members, QuantizedLayer Layer, RowTokens Tokens)
{
    /// <summary>The place, if the kernel that computes u writes them; else null.</summary>
    public GpuLevels? Levels { get; init; }

    /// <summary>Finds the levels that the projections of a group want; those that are the same once.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="group">The group, without convolutions.</param>
    /// <param name="rows">The rows of u.</param>
    public static IReadOnlyList<ProjectionLevels> Find(GpuPlanBuilder plan, ScanGroup group, int rows)
    {
        var found = new List<(QuantizedLayer Layer, RowTokens Tokens, List<int> Members)>();
        for (int i = 0; i < group.Members.Count; i++)
        {
            if (plan.LayerOf(group.Members[i].Branch.Parameters) is not { } layer)
                continue;
            RowTokens tokens = group.TokensOf(i, rows);
            List<int>? same = found.FirstOrDefault(
                other => TokenScales.AreSame(other.Layer, other.Tokens, layer, tokens, rows)).Members;
            if (same is null)
                found.Add((layer, tokens, [i]));
            else
                same.Add(i);
        }
        return [.. found.Select(of => new ProjectionLevels(of.Members, of.Layer, of.Tokens))];
    }
}
