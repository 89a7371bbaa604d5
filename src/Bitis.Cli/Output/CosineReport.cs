using Bitis.Training;

namespace Bitis.Cli.Output;

/// <summary>How well low-bit gradients agreed with the exact ones in the last epoch: their cosine over all layers that learn, -1 to 1.</summary>
internal sealed record CosineReport(double Mean, double Worst, string WorstLayer)
{
    /// <summary>Sums an epoch up; null for an exact training.</summary>
    public static CosineReport? Of(EpochRecord epoch)
    {
        if (epoch.GradientCosines is not { Count: > 0 } cosines)
            return null;
        KeyValuePair<string, double> worst = cosines.MinBy(layer => layer.Value);
        return new CosineReport(cosines.Values.Average(), worst.Value, worst.Key);
    }
}
