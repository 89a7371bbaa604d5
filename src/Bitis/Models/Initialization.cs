using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>The distributions that fresh weights of all families are drawn from: functions from an element's index to its value.</summary>
internal static class Initialization
{
    private const double SmallestDelta = 0.001, LargestDelta = 0.1;

    /// <summary>A tensor with values of a distribution.</summary>
    public static Tensor Fill(Shape shape, Func<int, double> distribution)
    {
        Tensor tensor = Tensor.Uninitialized(shape);
        for (int i = 0; i < tensor.Length; i++)
            tensor.Span[i] = (float)distribution(i);
        return tensor;
    }

    /// <summary>Uniform between ±1/√(fan-in), as PyTorch's layers are by themselves.</summary>
    public static Func<int, double> Uniform(SeededRandom random, double fanIn)
    {
        double bound = 1 / Math.Sqrt(fanIn);
        return _ => bound * (2 * random.NextDouble() - 1);
    }

    /// <summary>Normal with a standard deviation, cut off at twice that.</summary>
    public static Func<int, double> TruncatedNormal(SeededRandom random, double deviation) => _ =>
    {
        double value;
        do
            value = random.NextNormal();
        while (Math.Abs(value) > 2);
        return deviation * value;
    };

    /// <summary>The bias before the softplus, for a Δ that is log-uniform between 0.001 and 0.1 (Mamba).</summary>
    public static Func<int, double> DeltaBias(SeededRandom random) => _ =>
    {
        double delta = Math.Exp(Math.Log(SmallestDelta) + random.NextDouble() * (Math.Log(LargestDelta) - Math.Log(SmallestDelta)));
        return delta + Math.Log(-double.ExpM1(-delta));
    };

    /// <summary>A_log of states 1 to N for each channel: A = −1, −2, ..., −N (S4D-real).</summary>
    /// <param name="states">N.</param>
    public static Func<int, double> LogStates(int states) => i => Math.Log(i % states + 1);
}
