using Bitis.Analysis.Search.Measures;

namespace Bitis.Analysis.Search;

/// <summary>Estimates drops from what changed answers cost on average and from what was measured.</summary>
/// <remarks>
/// A measured drop depends on the labels of few images, those whose answers change. What such answers cost on average
/// is known better: the float model's own shares tell it (<see cref="AnswerQuality.ExpectedDrop"/>). An estimate lies
/// between the two, and nearer to what was measured the more all recipes together deviate from what is expected
/// (random effects, as DerSimonian and Laird estimate their variance). So the best recipe is not simply the luckiest.
/// </remarks>
internal sealed class DropEstimate
{
    /// <summary>The variance of relative deviations from what is expected.</summary>
    private readonly double _variance;

    /// <summary>Finds out how much recipes deviate.</summary>
    public DropEstimate(IReadOnlyCollection<SearchPoint> points)
    {
        double excess = 0, weights = 0;
        foreach (AnswerQuality answers in points.Select(point => point.Choosing))
        {
            if (answers is not { DropError: > 0 and { } error, ExpectedDrop: { } expected })
                continue;
            excess += Math.Pow((answers.Drop - expected) / error, 2) - 1;
            weights += Math.Pow(expected / error, 2);
        }
        _variance = weights > 0 ? Math.Max(excess / weights, 0) : 0;
    }

    /// <summary>A recipe's drop, in points of 100. Without an expected drop, what was measured counts.</summary>
    /// <remarks>
    /// An error of zero says nothing: the few changed answers are all wrong before and after, and no label shows it.
    /// </remarks>
    public double Of(SearchPoint point)
    {
        if (point.Choosing is not { DropError: { } error, ExpectedDrop: { } expected })
            return point.Choosing.Drop;
        if (error == 0)
            return expected;
        double variance = _variance * expected * expected;
        return expected + ((point.Choosing.Drop - expected) * variance / (variance + (error * error)));
    }
}
