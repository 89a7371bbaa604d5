using Bitis.Tensors;

namespace Bitis.Tests;

public sealed class SeededRandomTests
{
    [Theory]
    [InlineData(0.2, 0.2)]
    [InlineData(1, 1)]
    [InlineData(0.5, 3)]
    [InlineData(8, 2)]
    public void Beta_has_its_mean_and_variance(double alpha, double beta)
    {
        const int count = 40_000;
        var random = new SeededRandom(11);
        double sum = 0, squares = 0;
        for (int i = 0; i < count; i++)
        {
            double x = random.NextBeta(alpha, beta);
            Assert.InRange(x, 0, 1);
            sum += x;
            squares += x * x;
        }
        double total = alpha + beta, mean = sum / count, variance = squares / count - mean * mean;
        double expected = alpha * beta / (total * total * (total + 1));
        Assert.InRange(mean, alpha / total - 0.01, alpha / total + 0.01);
        Assert.InRange(variance, expected * 0.96, expected * 1.04);
    }

    [Fact]
    public void Beta_of_parameters_near_zero_is_a_coin()
    {
        var random = new SeededRandom(5);
        double[] draws = [.. Enumerable.Range(0, 1000).Select(_ => random.NextBeta(1e-4, 1e-4))];
        Assert.All(draws, x => Assert.InRange(x, 0, 1));
        Assert.InRange(draws.Count(x => x > 0.999), 400, 600);
        Assert.InRange(draws.Count(x => x < 0.001), 400, 600);
    }

    [Fact]
    public void Beta_needs_positive_parameters()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededRandom(1).NextBeta(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededRandom(1).NextBeta(1, -1));
    }
}
