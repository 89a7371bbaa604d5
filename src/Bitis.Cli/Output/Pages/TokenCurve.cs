namespace Bitis.Cli.Output.Pages;

/// <summary>Values along tokens as points of a line. Many tokens share a point, which has their extreme.</summary>
internal static class TokenCurve
{
    /// <summary>A page with a line for each scan, of thousands of tokens each, would be slow.</summary>
    private const int MostPoints = 256;

    /// <summary>The line of the largest values.</summary>
    public static IReadOnlyList<ChartPoint> OfLargest(IEnumerable<double> values) => Of(values, Enumerable.Max);

    /// <summary>The line of the smallest values.</summary>
    public static IReadOnlyList<ChartPoint> OfSmallest(IEnumerable<double> values) => Of(values, Enumerable.Min);

    private static ChartPoint[] Of(IEnumerable<double> values, Func<IEnumerable<double>, double> extreme)
    {
        double[] all = [.. values];
        int tokens = (all.Length + MostPoints - 1) / MostPoints;
        return tokens == 0
            ? []
            : [.. all.Chunk(tokens).Select((part, i) => new ChartPoint(i * tokens, PageText.Short(extreme(part))))];
    }
}
