using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Graphs;

namespace Bitis.Training.Optimization;

/// <summary>The moving average of the weights over the steps, <c>a = d·a + (1 − d)·w</c>.</summary>
/// <remarks>
/// It generalizes better than the weights of any one step (Polyak and Juditsky, 1992). In step t, counted from 1,
/// <c>d = min(decay, (1 + t) / (10 + t))</c>. So the average soon forgets the random weights of the start.
/// </remarks>
internal sealed class WeightAverage
{
    private readonly double _decay;
    private readonly ParameterPieces _pieces;

    /// <summary>Starts with the weights as they are.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its parameters, by name; they are copied.</param>
    /// <param name="decay">The decay rate; 0 for none, so that the average is always the last weights.</param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    public WeightAverage(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, double decay, FrozenLayers? frozen = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        _decay = decay;
        _pieces = new ParameterPieces(frozen?.Learning ?? graph.LearningParameters);
        Weights = weights.ToDictionary(entry => entry.Key, entry => entry.Value.Clone());
    }

    /// <summary>The averages, by parameter.</summary>
    public IReadOnlyDictionary<string, FloatTensor> Weights { get; }

    /// <summary>The part of the average that a step keeps.</summary>
    /// <param name="step">t, counted from 1.</param>
    public double DecayAt(long step) => Math.Min(_decay, (1.0 + step) / (10.0 + step));

    /// <summary>Adds the weights after a step.</summary>
    /// <param name="weights">The parameters.</param>
    /// <param name="step">t, counted from 1.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. The result does not depend on it.
    /// </param>
    public void Add(IReadOnlyDictionary<string, FloatTensor> weights, long step, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        float decay = (float)DecayAt(step);
        _pieces.ForEach(threads, (_, name, start, length) =>
        {
            Span<float> average = Weights[name].Span.Slice(start, length);
            TensorPrimitives.Lerp(weights[name].Span.Slice(start, length), average, decay, average);
        });
    }
}
