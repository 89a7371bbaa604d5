using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Training.Optimization;

namespace Bitis.Tests.Training;

public sealed class WeightAverageTests
{
    private static Graph Graph()
    {
        var builder = new GraphBuilder([5]);
        return builder.Build(builder.Add("layer", new Linear(5, 3, HasBias: true), builder.Input));
    }

    [Fact]
    public void The_average_forgets_the_start_quickly_and_then_follows_its_decay()
    {
        Graph graph = Graph();
        Dictionary<string, FloatTensor> weights = TinyTraining.RandomTensors(graph.Parameters, seed: 1);
        var average = new WeightAverage(graph, weights, decay: 0.3);
        double[] expected = Array.ConvertAll(weights["layer.weight"].Span.ToArray(), x => (double)x);
        double[] decays = [2.0 / 11, 3.0 / 12, 0.3, 0.3];
        for (int step = 1; step <= decays.Length; step++)
        {
            weights = TinyTraining.RandomTensors(graph.Parameters, (ulong)step + 1);
            average.Add(weights, step);
            for (int i = 0; i < expected.Length; i++)
                expected[i] = decays[step - 1] * expected[i] + (1 - decays[step - 1]) * weights["layer.weight"].Span[i];
        }
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], average.Weights["layer.weight"].Span[i], 1e-6);
    }

    [Fact]
    public void Without_memory_it_is_the_last_weights()
    {
        Graph graph = Graph();
        var average = new WeightAverage(graph, TinyTraining.RandomTensors(graph.Parameters, seed: 1), decay: 0);
        Dictionary<string, FloatTensor> weights = TinyTraining.RandomTensors(graph.Parameters, seed: 2);
        average.Add(weights, step: 1);
        Assert.Equal(weights["layer.bias"].Span.ToArray(), average.Weights["layer.bias"].Span.ToArray());
    }
}
