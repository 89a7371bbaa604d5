using Bitis.Training.Optimization;

namespace Bitis.Tests.Training;

public sealed class GradientClippingTests
{
    [Fact]
    public void The_norm_is_that_of_all_gradients_together_with_any_number_of_threads()
    {
        Dictionary<string, FloatTensor> gradients = TinyTraining.RandomTensors(
            [("b", [3, 10_001]), ("a", [7])], seed: 3);
        double squares = gradients.Values.Sum(gradient => gradient.Span.ToArray().Sum(value => (double)value * value));
        double norm = GradientClipping.Norm(gradients, threads: 1);
        Assert.Equal(Math.Sqrt(squares), norm, 1e-9);
        Assert.Equal(norm, GradientClipping.Norm(gradients, threads: 4));
    }

    [Fact]
    public void The_norm_does_not_overflow_as_float32_would() =>
        Assert.Equal(
            Math.Sqrt(2) * 1e30,
            GradientClipping.Norm(
                new Dictionary<string, FloatTensor> { ["a"] = FloatTensor.From([2], [1e30f, 1e30f]) }),
            1e24);

    [Theory]
    [InlineData(4, 1, 0.25)]
    [InlineData(0.5, 1, 1)]
    [InlineData(4, 0, 1)]
    public void The_factor_brings_long_gradients_to_the_limit(double norm, double maximum, double factor) =>
        Assert.Equal(factor, GradientClipping.Factor(norm, maximum));
}
