namespace Bitis.Analysis.Search.Measures;

/// <summary>The shares that a model gives its classes, sharpened or softened so that they fit labels best.</summary>
/// <remarks>
/// Models are often surer than they are right. One factor for all logits (the inverse of a temperature) mends that:
/// the one under which the labels are likeliest. It is fitted to the half of the images that are least sure, since
/// quantization changes the answers to hardly any others.
/// </remarks>
internal sealed class FittedShares
{
    /// <summary>Halvings of the range of the factor's logarithm.</summary>
    private const int Halvings = 30;

    /// <summary>The largest factor, and the inverse of the smallest. Without a wrong answer it has no bound.</summary>
    private const double Most = 16;

    private readonly IReadOnlyList<float[]> _logits;

    /// <summary>Fits the factor.</summary>
    /// <param name="logits">The logits of each image.</param>
    /// <param name="labels">The class of each image.</param>
    public FittedShares(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels)
    {
        _logits = logits;
        (float[] Logits, int Label)[] unsure =
            [.. logits.Zip(labels).OrderBy(pair => Margin(pair.First)).Take((logits.Count + 1) / 2)];
        double low = -Math.Log(Most), high = Math.Log(Most);
        for (int i = 0; i < Halvings; i++)
        {
            double middle = (low + high) / 2;
            // The likelihood has one peak, so its slope tells the side.
            if (Slope(Math.Exp(middle), unsure) < 0)
                low = middle;
            else
                high = middle;
        }
        Factor = Math.Exp((low + high) / 2);
    }

    /// <summary>What logits are multiplied by.</summary>
    public double Factor { get; }

    /// <summary>How likely a class is to be right for an image.</summary>
    public double Of(int image, int label)
    {
        float[] logits = _logits[image];
        double largest = logits.Max();
        return Math.Exp(Factor * (logits[label] - largest))
            / logits.Sum(logit => Math.Exp(Factor * (logit - largest)));
    }

    /// <summary>How much higher the highest logit is than the next.</summary>
    private static float Margin(float[] logits)
    {
        float first = float.NegativeInfinity, second = first;
        foreach (float logit in logits)
        {
            second = Math.Max(second, Math.Min(first, logit));
            first = Math.Max(first, logit);
        }
        return first - second;
    }

    /// <summary>The slope of the negative log-likelihood along the factor.</summary>
    private static double Slope(double factor, (float[] Logits, int Label)[] images)
    {
        double slope = 0;
        foreach ((float[] logits, int label) in images)
        {
            double largest = logits.Max(), sum = 0, mean = 0;
            foreach (float logit in logits)
            {
                double share = Math.Exp(factor * (logit - largest));
                sum += share;
                mean += share * logit;
            }
            slope += (mean / sum) - logits[label];
        }
        return slope;
    }
}
