using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>Random numbers of the Beta distribution, which mixtures of images are drawn from.</summary>
internal static class BetaDistribution
{
    /// <summary>One number in [0, 1] of Beta(a, b), as X / (X + Y) of two Gamma numbers.</summary>
    public static double Sample(double a, double b, SeededRandom random)
    {
        double x = SampleGamma(a, random), y = SampleGamma(b, random);
        return x + y > 0 ? x / (x + y) : 0.5;
    }

    /// <summary>Gamma(shape, 1) by Marsaglia and Tsang (2000); shapes below 1 by their boost from shape + 1.</summary>
    private static double SampleGamma(double shape, SeededRandom random)
    {
        if (shape < 1)
            return SampleGamma(shape + 1, random) * Math.Pow(1 - random.NextDouble(), 1 / shape);
        double d = shape - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double normal = random.NextNormal(), root = 1 + (c * normal);
            if (root <= 0)
                continue;
            double v = root * root * root;
            if (Math.Log(1 - random.NextDouble()) < (normal * normal / 2) + d - (d * v) + (d * Math.Log(v)))
                return d * v;
        }
    }
}
