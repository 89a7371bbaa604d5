using Bitis.Training.Losses;

namespace Bitis.Tests.Training;

public sealed class SoftmaxCrossEntropyTests
{
    [Fact]
    public void The_gradient_equals_finite_differences_for_targets_of_any_kind()
    {
        foreach (float[] target in (float[][])[[0, 1, 0, 0], [0.1f, 0.2f, 0.3f, 0.4f], [0.5f, 0, 0, 0]])
        {
            float[] logits = [1, -2, 0.5f, 3], gradient = new float[4];
            Assert.Equal(
                Loss(Array.ConvertAll(logits, x => (double)x), target),
                SoftmaxCrossEntropy.Loss(logits, target, gradient),
                1e-6);
            GradientAssert.Close(
                NumericalGradient.Of(x => Loss(x, target), logits), gradient, "logits", tolerance: 1e-6);
        }
    }

    [Fact]
    public void Large_logits_do_not_overflow_and_what_is_not_a_number_stays_visible()
    {
        float[] gradient = new float[2];
        Assert.Equal(2000, SoftmaxCrossEntropy.Loss([-1000, 1000], [1, 0], gradient));
        Assert.Equal([-1f, 1f], gradient);
        Assert.True(double.IsNaN(SoftmaxCrossEntropy.Loss([float.NaN, 0], [1, 0], gradient)));
    }

    private static double Loss(double[] logits, float[] target) =>
        -logits.Zip(target, (x, t) => t * (x - Math.Log(logits.Sum(Math.Exp)))).Sum();
}
