using Bitis.Execution.LowBit;
using Bitis.Training;

namespace Bitis.Cli.Output.Parts;

/// <summary>The cosine of low-bit and exact gradients in the last epoch, -1 to 1.</summary>
/// <remarks>It is taken over all layers that learn.</remarks>
internal sealed record CosineReport(double Mean, double Worst, string WorstLayer)
{
    // docs/hlq.md, "Rank": the training with the largest loss from the reduction was below it, all trainings at full
    // rank were above.
    private const double Low = 0.95;

    /// <summary>The report of an epoch; null for an exact training.</summary>
    public static CosineReport? Of(EpochRecord epoch)
    {
        if (epoch.GradientCosines is not { Count: > 0 } cosines)
            return null;
        KeyValuePair<string, double> worst = cosines.MinBy(layer => layer.Value);
        return new CosineReport(cosines.Values.Average(), worst.Value, worst.Key);
    }

    /// <summary>Advice that brings the gradients nearer to the exact ones; null if there is none.</summary>
    /// <remarks>
    /// There is none if they are near, or if the reduction along the tokens is not the cause of their difference.
    /// </remarks>
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
