namespace Bitis.Tensors;

/// <summary>
/// Random numbers that depend on the seed alone, on every platform and runtime version (SplitMix64, Steele et al.
/// 2014).
/// </summary>
/// <param name="seed">The seed of the sequence.</param>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A separate generator for a part of a job, so that parts may run in any order.</summary>
    /// <param name="seed">The job's seed.</param>
    /// <param name="part">The part's number.</param>
    public static SeededRandom ForPart(ulong seed, ulong part) =>
        new(new SeededRandom(seed ^ part * 0xD1342543DE82EF95).NextBits());

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public float NextSingle(float low, float high) => (float)(low + (high - low) * NextDouble());

    /// <summary>Uniform in [0, <paramref name="bound"/>).</summary>
    public int NextInt32(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return (int)(NextDouble() * bound);
    }

    /// <summary>Normal with mean 0 and variance 1 (Box and Muller).</summary>
    public double NextNormal() =>
        Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>
    /// A share in [0, 1] from the distribution Beta(<paramref name="alpha"/>, <paramref name="beta"/>).
    /// </summary>
    /// <param name="alpha">
    /// Positive; the larger it is against <paramref name="beta"/>, the nearer to 1 the shares are.
    /// </param>
    /// <param name="beta">Positive.</param>
    public double NextBeta(double alpha, double beta)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alpha);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(beta);

        // X / (X + Y) of two gamma variates, as logarithms: for small parameters both may be too small for a double.
        double logX = NextLogGamma(alpha), logY = NextLogGamma(beta);
        return 1 / (1 + Math.Exp(logY - logX));
    }

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt32(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>The logarithm of a gamma variate of scale 1 (Marsaglia and Tsang 2000).</summary>
    private double NextLogGamma(double shape)
    {
        if (shape < 1)
            return NextLogGamma(shape + 1) + Math.Log(1 - NextDouble()) / shape;
        double d = shape - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = NextNormal(), root = 1 + c * x, v = root * root * root;
            if (root > 0 && Math.Log(1 - NextDouble()) < x * x / 2 + d * (1 - v + Math.Log(v)))
                return Math.Log(d * v);
        }
    }
}
