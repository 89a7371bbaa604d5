using Bitis.Tensors;

namespace Bitis.Tests;

public sealed class SoftmaxTests
{
    [Fact]
    public void Probabilities_are_those_of_the_exponentials()
    {
        float[] values = [0.5f, -1, 2], probabilities = new float[3];
        Softmax.Compute(values, probabilities);
        double sum = values.Sum(value => Math.Exp(value));
        for (int i = 0; i < values.Length; i++)
            Assert.Equal(Math.Exp(values[i]) / sum, probabilities[i], 1e-6);
    }

    [Theory]
    [InlineData(1000, 999)]
    [InlineData(-1000, -1001)]
    public void Values_whose_exponentials_are_no_numbers_have_probabilities(float larger, float smaller)
    {
        float[] row = [larger, smaller, -5000];
        Softmax.Compute(row, row);
        Assert.Equal(1 / (1 + Math.Exp(-1)), row[0], 1e-6);
        Assert.Equal(1, row[0] + row[1], 1e-6);
        Assert.Equal(0, row[2]);
    }

    [Fact]
    public void An_empty_row_stays_empty() => Softmax.Compute([], []);
}
