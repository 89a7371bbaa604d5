namespace Bitis.Analysis.Sensitivity;

/// <summary>Spearman's rank correlation: how well two measures agree on an order.</summary>
internal static class RankCorrelation
{
    /// <summary>The correlation, −1 to 1; null for fewer than three pairs, or if all values of one are equal.</summary>
    public static double? Of(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        if (first.Count < 3)
            return null;
        double[] x = Ranks(first), y = Ranks(second);
        double mean = (first.Count - 1) / 2.0, xy = 0, xx = 0, yy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            xy += (x[i] - mean) * (y[i] - mean);
            xx += Math.Pow(x[i] - mean, 2);
            yy += Math.Pow(y[i] - mean, 2);
        }
        return xx * yy == 0 ? null : xy / Math.Sqrt(xx * yy);
    }

    /// <summary>Ranks from 0; equal values share the mean of theirs.</summary>
    private static double[] Ranks(IReadOnlyList<double> values)
    {
        int[] order = [.. Enumerable.Range(0, values.Count).OrderBy(i => values[i])];
        var ranks = new double[values.Count];
        for (int start = 0, end; start < order.Length; start = end)
        {
            for (end = start + 1; end < order.Length && values[order[end]].Equals(values[order[start]]); end++)
            {
            }
            for (int i = start; i < end; i++)
                ranks[order[i]] = (start + end - 1) / 2.0;
        }
        return ranks;
    }
}
