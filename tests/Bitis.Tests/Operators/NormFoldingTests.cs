using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Tensors;
using Bitis.Tests.RandomGraphs;

namespace Bitis.Tests.Operators;

/// <summary>Batch norms become weights of the layers before them.</summary>
public sealed class NormFoldingTests
{
    private const int Side = 5;

    [Fact]
    public void A_norm_after_a_layer_is_folded_and_the_values_stay()
    {
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.BatchNorm("bn0", b.FlattenSpatial("tokens", b.Input)); // after no layer
        Node y = b.GridConv2d("grid", x, Side, Side, 6, kernelSize: 3, padding: 1, hasBias: false);
        y = b.Relu("relu", b.BatchNorm("bn1", y));
        y = b.BatchNorm("bn2", b.Linear("linear", y, 5));
        (Graph graph, Dictionary<string, FloatTensor> weights, FloatTensor images) = Finish(b, y);
        var folding = new NormFolding(graph);
        Graph folded = folding.Graph;
        IReadOnlyDictionary<string, FloatTensor> newWeights = folding.WeightsOf(weights);
        Assert.Equal(["bn0"], folded.Nodes.Where(node => node.Kind == "batch_norm").Select(node => node.Name));
        Assert.Equal(["grid.weight", "grid.bias"], folded["grid"].ParameterNames);
        Assert.DoesNotContain("bn1.weight", newWeights.Keys);
        TensorAssert.Close(Run(graph, weights, images), Run(folded, newWeights, images), 1e-5);
    }

    [Fact]
    public void A_norm_stays_where_its_input_or_the_layers_parameters_have_other_readers()
    {
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.FlattenSpatial("tokens", b.Input), read = b.Linear("read", x, 4);
        Node first = b.Linear("first", x, 4, parameters: ["w", "b"]),
            second = b.Linear("second", x, 4, parameters: ["w", "b"]);
        Node y = b.Add("sum", b.Add("sum1", b.BatchNorm("bn1", read), read), b.Add(
            "sum2", b.BatchNorm("bn2", first), second));
        (Graph graph, Dictionary<string, FloatTensor> weights, _) = Finish(b, y);
        var folding = new NormFolding(graph);
        Graph folded = folding.Graph;
        IReadOnlyDictionary<string, FloatTensor> newWeights = folding.WeightsOf(weights);
        Assert.Same(graph, folded);
        Assert.Same(weights, newWeights);
    }

    private static (Graph Graph, Dictionary<string, FloatTensor> Weights, FloatTensor Images) Finish(
        GraphBuilder b, Node y)
    {
        Graph graph = b.Build(b.MeanTokens("mean", y));
        return (graph, GraphWeights.Of(graph, seed: 5), GraphWeights.Images(graph, 2, seed: 5));
    }

    private static FloatTensor Run(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, FloatTensor images) =>
        new GraphExecutor(graph, weights, new ReferenceEvaluator()).Run(images);
}
