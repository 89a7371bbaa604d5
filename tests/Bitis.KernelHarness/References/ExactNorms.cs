namespace Bitis.KernelHarness.References;

/// <summary>Normalization in float64.</summary>
internal static class ExactNorms
{
    /// <summary>Rows of a matrix with unit mean square, or, centered, with zero mean and unit variance.</summary>
    /// <param name="x"><c>[rows, columns]</c>.</param>
    /// <param name="weight"><c>[columns]</c>.</param>
    /// <param name="bias"><c>[columns]</c>; null for none.</param>
    /// <param name="epsilon">What is added to the mean square.</param>
    /// <param name="center">Whether the mean is subtracted.</param>
    public static double[] Rows(double[] x, double[] weight, double[]? bias, double epsilon, bool center)
    {
        int columns = weight.Length;
        var y = new double[x.Length];
        for (int start = 0; start < x.Length; start += columns)
        {
            double[] row = x[start..(start + columns)];
            double mean = center ? row.Average() : 0;
            double scale = 1 / Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + epsilon);
            for (int c = 0; c < columns; c++)
                y[start + c] = ((row[c] - mean) * scale * weight[c]) + (bias?[c] ?? 0);
        }
        return y;
    }

    /// <summary>Groups of columns, over all rows, with zero mean and unit variance.</summary>
    /// <param name="x"><c>[rows, columns]</c>.</param>
    /// <param name="weight"><c>[columns]</c>.</param>
    /// <param name="bias"><c>[columns]</c>.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <param name="groups">How many groups.</param>
    public static double[] Groups(double[] x, double[] weight, double[] bias, double epsilon, int groups)
    {
        int columns = weight.Length, width = columns / groups, rows = x.Length / columns;
        var y = new double[x.Length];
        for (int group = 0; group < groups; group++)
        {
            int first = group * width;
            int[] members =
                [.. Enumerable.Range(0, rows * width).Select(i => (i / width * columns) + first + (i % width))];
            double mean = members.Average(i => x[i]);
            double scale = 1 / Math.Sqrt(members.Average(i => (x[i] - mean) * (x[i] - mean)) + epsilon);
            foreach (int i in members)
                y[i] = ((x[i] - mean) * scale * weight[i % columns]) + bias[i % columns];
        }
        return y;
    }
}
