namespace Bitis.Analysis.Search;

/// <summary>Combines choices of parts whose costs and losses add up.</summary>
internal static class ParetoFront
{
    /// <summary>More points than that are thinned out.</summary>
    private const int MostPoints = 1 << 14;

    /// <summary>The combinations than which none is as cheap with less loss, the cheapest first.</summary>
    /// <remarks>
    /// Part after part, each point is extended by each option, and only the front of the results is kept. That is
    /// exact. Beyond a number of points, only the best of each small range of costs remains.
    /// </remarks>
    /// <param name="parts">The options of each part.</param>
    /// <param name="most">How many points are kept.</param>
    public static IReadOnlyList<FrontPoint> Of(
        IReadOnlyList<IReadOnlyList<PartOption>> parts, int most = MostPoints)
    {
        var stages = new List<Step[]>();
        Step[] points = [new(0, 0, -1, -1)];
        foreach (IReadOnlyList<PartOption> options in parts)
        {
            points = Thinned(Front(
                points.SelectMany((point, from) => options.Select((option, choice) => new Step(
                    point.Cost + option.Cost, point.Loss + option.Loss, from, choice)))), most);
            stages.Add(points);
        }
        return [.. points.Select((point, index) => new FrontPoint(point.Cost, point.Loss, ChoicesOf(stages, index)))];
    }

    /// <summary>The values of which none is at least as good in both respects, the cheapest first.</summary>
    public static IReadOnlyList<T> Of<T>(IEnumerable<T> values, Func<T, double> cost, Func<T, double> loss)
    {
        var front = new List<T>();
        double least = double.PositiveInfinity;
        foreach (T value in values.OrderBy(cost).ThenBy(loss))
        {
            if (!(loss(value) < least))
                continue;
            front.Add(value);
            least = loss(value);
        }
        return front;
    }

    private static IReadOnlyList<Step> Front(IEnumerable<Step> points) =>
        Of(points, point => point.Cost, point => point.Loss);

    /// <summary>The point with the least loss of each of many ranges of cost.</summary>
    private static Step[] Thinned(IReadOnlyList<Step> points, int most)
    {
        if (points.Count <= most)
            return [.. points];
        double first = points[0].Cost, width = (points[^1].Cost - first) / most;
        return [.. points.GroupBy(point => (int)((point.Cost - first) / width)).Select(range => range.Last())];
    }

    private static int[] ChoicesOf(List<Step[]> stages, int index)
    {
        int[] choices = new int[stages.Count];
        for (int stage = stages.Count - 1; stage >= 0; stage--)
        {
            Step step = stages[stage][index];
            (choices[stage], index) = (step.Choice, step.From);
        }
        return choices;
    }

    private readonly record struct Step(double Cost, double Loss, int From, int Choice);
}
