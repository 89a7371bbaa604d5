using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training;

/// <summary>
/// The exponential moving average of the weights (Polyak averaging): w̄ = d·w̄ + (1 − d)·w. In the first steps d is lower,
/// min(decay, (1 + t) / (10 + t)), so that the random start is soon forgotten.
/// </summary>
public sealed class WeightAverage
{
    private readonly double _decay;

    /// <summary>Starts from the weights themselves.</summary>
    /// <param name="weights">The parameters; they are copied.</param>
    /// <param name="decay">d; 0 for the weights themselves.</param>
    public WeightAverage(IReadOnlyDictionary<string, Tensor> weights, double decay)
    {
        _decay = decay;
        Weights = weights.ToDictionary(pair => pair.Key, pair => pair.Value.Clone());
    }

    /// <summary>The average, by parameter.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights { get; }

    /// <summary>Takes new weights into the average.</summary>
    /// <param name="weights">The parameters.</param>
    /// <param name="step">t, counted from 1.</param>
    public void Add(IReadOnlyDictionary<string, Tensor> weights, long step)
    {
        ArgumentNullException.ThrowIfNull(weights);
        float decay = (float)Math.Min(_decay, (1.0 + step) / (10 + step));
        foreach ((string name, Tensor average) in Weights)
            TensorPrimitives.Lerp(weights[name].Span, average.Span, decay, average.Span);
    }
}
