using Bitis.Execution.LowBit;
using Bitis.Training;

namespace Bitis.Cli.Output.Parts;

/// <summary>
/// How well low-bit gradients agreed with the exact ones in the last epoch: their cosine over all layers that learn, -1
/// to 1.
/// </summary>
internal sealed record CosineReport(double Mean, double Worst, string WorstLayer)
{
    // docs/hlq.md, "Rank": below it was the training that the reduction along the tokens cost most, above it all at
    // full rank.
    private const double Low = 0.95;

    /// <summary>Sums an epoch up; null for an exact training.</summary>
    public static CosineReport? Of(EpochRecord epoch)
    {
        if (epoch.GradientCosines is not { Count: > 0 } cosines)
            return null;
        KeyValuePair<string, double> worst = cosines.MinBy(layer => layer.Value);
        return new CosineReport(cosines.Values.Average(), worst.Value, worst.Key);
    }

    /// <summary>
    /// What would bring the gradients nearer to the exact ones; null if they are near, or if they do not differ by what
    /// the reduction along the tokens leaves out.
    /// </summary>
    public string? Advice(BackwardPolicy policy, IEnumerable<LayerBackward> layers)
    {
        bool reduces = policy.Rank < BackwardPolicy.FullRank
            && layers.Any(layer => layer.Method is "hlq" or "low-rank");
        return Mean < Low && reduces
            ? $"The gradients are far from the exact ones, which costs accuracy. \"rank\": {BackwardPolicy.FullRank} "
                + "in the recipe's \"backward\" leaves no tokens out, "
                + "and needs no more memory with \"activationBits\": 4 (docs/hlq.md, \"Rank\")."
            : null;
    }
}
