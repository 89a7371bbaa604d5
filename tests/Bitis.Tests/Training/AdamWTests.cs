using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Training.Optimization;

namespace Bitis.Tests.Training;

public sealed class AdamWTests
{
    private static readonly TrainingRecipe Recipe = new()
    {
        WeightDecay = 0.1,
        Beta1 = 0.8,
        Beta2 = 0.95,
        Epsilon = 1e-6,
    };

    /// <summary>One linear layer, whose weight takes several pieces and has a tail that fills no vector.</summary>
    private static Graph Layer()
    {
        var builder = new GraphBuilder([101]);
        return builder.Build(builder.Add("layer", new Linear(101, 203, HasBias: true), builder.Input));
    }

    [Fact]
    public void Steps_equal_the_formula_in_float64()
    {
        Graph graph = Layer();
        var optimizer = new AdamW(graph, Recipe);
        Dictionary<string, FloatTensor> weights = TinyTraining.RandomTensors(graph.Parameters, seed: 1);
        Dictionary<string, double[]> expected = weights.ToDictionary(
            w => w.Key, w => Array.ConvertAll(w.Value.Span.ToArray(), x => (double)x));
        Dictionary<string, double[]> m = expected.ToDictionary(w => w.Key, w => new double[w.Value.Length]);
        Dictionary<string, double[]> v = expected.ToDictionary(w => w.Key, w => new double[w.Value.Length]);
        for (int step = 1; step <= 5; step++)
        {
            double rate = 0.01 * step, factor = step == 3 ? 0.25 : 1;
            Dictionary<string, FloatTensor> gradients = TinyTraining.RandomTensors(
                graph.Parameters, (ulong)(10 + step));
            optimizer.Step(weights, gradients, step, rate, factor);
            foreach (string name in expected.Keys)
            {
                double decay = name == "layer.weight" ? Recipe.WeightDecay : 0;
                for (int i = 0; i < expected[name].Length; i++)
                {
                    double g = gradients[name].Span[i] * factor;
                    m[name][i] = Recipe.Beta1 * m[name][i] + (1 - Recipe.Beta1) * g;
                    v[name][i] = Recipe.Beta2 * v[name][i] + (1 - Recipe.Beta2) * g * g;
                    double mean = m[name][i] / (1 - Math.Pow(Recipe.Beta1, step)),
                        square = v[name][i] / (1 - Math.Pow(Recipe.Beta2, step));
                    expected[name][i] -= rate * decay * expected[name][i]
                        + rate * mean / (Math.Sqrt(square) + Recipe.Epsilon);
                }
            }
        }
        foreach ((string name, FloatTensor weight) in weights)
        {
            for (int i = 0; i < weight.Length; i++)
                Assert.Equal(expected[name][i], weight.Span[i], 1e-6);
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        Graph graph = Layer();
        float[][] results = [.. ((int[])[1, 3]).Select(threads =>
        {
            var optimizer = new AdamW(graph, Recipe);
            Dictionary<string, FloatTensor> weights = TinyTraining.RandomTensors(graph.Parameters, seed: 1);
            for (int step = 1; step <= 3; step++) { optimizer.Step(
                    weights, TinyTraining.RandomTensors(
                        graph.Parameters,
                        (ulong)step + 5), step, 0.01, 0.5, threads); } return weights["layer.weight"].Span.ToArray();
        })];
        Assert.Equal(results[0], results[1]);
    }

    [Fact]
    public void Matrices_and_filters_decay_and_nothing_else()
    {
        Graph graph = ((VimConfig)SmallModels.Get("vim-micro", classes: 10) with { Depth = 1 }).BuildGraph();
        var optimizer = new AdamW(graph, Recipe);
        Assert.Equal(
            [
                "patch_embed.proj.weight", "layers.0.mixer.in_proj.weight", "layers.0.mixer.conv1d.weight",
                "layers.0.mixer.x_proj.weight",
                "layers.0.mixer.dt_proj.weight", "layers.0.mixer.conv1d_b.weight", "layers.0.mixer.x_proj_b.weight",
                "layers.0.mixer.dt_proj_b.weight", "layers.0.mixer.out_proj.weight", "head.weight",
            ],
            graph.Parameters.Select(parameter => parameter.Name).Where(optimizer.Decays));
    }
}
