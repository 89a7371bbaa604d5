namespace Bitis.Quantization.Quantizers;

/// <summary>Divides the tokens of a sequence into contiguous groups that share a scale.</summary>
internal static class TimeGroups
{
    /// <summary>Groups of equal length, as far as that goes: the first token of each.</summary>
    public static int[] Equal(int tokens, int groups)
    {
        int count = Math.Clamp(groups, 1, tokens);
        return [.. Enumerable.Range(0, count).Select(g => (int)((long)g * tokens / count))];
    }

    /// <summary>
    /// The groups for which Σ_t (largest of the group)² is least: the distance of two levels is in proportion to the
    /// range that it covers, and its squared error to the square of that. Dynamic programming over the last group's
    /// first token, O(groups·tokens²).
    /// </summary>
    /// <param name="ranges">The range of each token.</param>
    /// <param name="groups">At most how many groups.</param>
    public static int[] Optimal(ReadOnlySpan<float> ranges, int groups)
    {
        int tokens = ranges.Length, count = Math.Clamp(groups, 1, tokens);
        double[,] cost = new double[count + 1, tokens + 1]; // of the first t tokens in g groups
        int[,] start = new int[count + 1, tokens + 1];
        for (int g = 0; g <= count; g++)
        {
            for (int t = 0; t <= tokens; t++)
                cost[g, t] = g == 0 && t == 0 ? 0 : double.PositiveInfinity;
        }
        for (int g = 1; g <= count; g++)
        {
            for (int end = g; end <= tokens; end++)
            {
                double largest = 0;
                for (int first = end - 1; first >= g - 1; first--)
                {
                    largest = Math.Max(largest, ranges[first]);
                    double total = cost[g - 1, first] + ((end - first) * largest * largest);
                    if (total < cost[g, end])
                        (cost[g, end], start[g, end]) = (total, first);
                }
            }
        }
        var starts = new int[count];
        for (int g = count, end = tokens; g >= 1; end = start[g, end], g--)
            starts[g - 1] = start[g, end];
        return starts;
    }
}
