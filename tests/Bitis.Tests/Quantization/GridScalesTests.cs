using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Models.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Tests.Quantization;

/// <summary>Scales for tokens, and what they become for another grid.</summary>
public sealed class GridScalesTests
{
    [Theory]
    [InlineData(4, 4)]
    [InlineData(8, 8)]
    [InlineData(2, 7)]
    public void Scales_follow_their_place_in_every_order_of_tokens(int height, int width)
    {
        // Rows have the scales 1, 2, 3, 4, whatever the order in which a layer sees them.
        (Graph from, Graph to) = (Scans(4, 4), Scans(height, width));
        QuantizedModel model = Model(from, (node, places) => UniformQuantizer.ForRanges(
            8, Granularity.PerToken, [.. places.Select(place => new Bitis.Quantization.Estimators.ValueRange(
                0, 255 * (1f + (place / 4))))]));
        (IReadOnlyDictionary<string, QuantizedLayer> layers, _) = GridScales.Fit(model, to);
        foreach ((string name, Func<int, int> rowOf) in Orders(height, width))
        {
            ReadOnlySpan<float> scales = layers[name].Input!.Scales;
            Assert.Equal(height * width, scales.Length);
            for (int t = 0; t < scales.Length; t++)
            {
                double row = Math.Clamp(((rowOf(t) + 0.5) * 4 / height) - 0.5, 0, 3);
                Assert.Equal(1 + row, scales[t], 1e-5);
            }
        }
        if ((height, width) == (4, 4))
            Assert.Same(model.Layers, layers);
    }

    [Fact]
    public void Scales_of_tensors_stay()
    {
        QuantizedModel model = Model(Scans(4, 4), (_, _) => UniformQuantizer.Asymmetric(
            8, Granularity.PerTensor, [0.25f], [3]));
        (IReadOnlyDictionary<string, QuantizedLayer> layers, _) = GridScales.Fit(model, Scans(6, 5));
        Assert.All(layers, layer => Assert.Same(model.Layers[layer.Key], layer.Value));
    }

    [Fact]
    public void Tokens_that_are_no_places_are_refused_by_name()
    {
        Graph Lines(int height)
        {
            var graph = new GraphBuilder([1, height, 4]);
            Node lines = graph.Linear("lines", graph.Input, 4); // a scale for each line of pixels
            return graph.Build(graph.Linear("head", graph.MeanTokens("mean", graph.FlattenSpatial("t", lines)), 2));
        }
        QuantizedModel model = Model(Lines(4), (node, _) => UniformQuantizer.ForRanges(
            8, Granularity.PerToken,
            [.. Enumerable.Repeat(new Bitis.Quantization.Estimators.ValueRange(0, 1), node.Name == "lines" ? 4 : 1)]));
        BitisException e = Assert.Throws<BitisException>(() => GridScales.Fit(model, Lines(6)));
        Assert.Contains("'lines'", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Layers that see the tokens of a grid row by row, column by column, and both from the end.</summary>
    private static Graph Scans(int height, int width)
    {
        var graph = new GraphBuilder([1, height, width]);
        Node x = graph.FlattenSpatial("tokens", graph.Conv2d("embed", graph.Input, 4, kernelSize: 1));
        Node columns = graph.ArrangeTokens("c", x, Bitis.Graphs.Operators.Tokens.ArrangeTokens.ByColumn(
            height, width).Sources);
        Node[] all =
        [
            graph.Linear("rows", x, 4), graph.Linear("rowsBack", graph.ReverseTokens("rr", x), 4),
            graph.Linear("columns", columns, 4), graph.Linear("columnsBack", graph.ReverseTokens("cr", columns), 4),
        ];
        Node sum = graph.Add("s", graph.Add("s0", all[0], all[1]), graph.Add("s1", all[2], all[3]));
        return graph.Build(graph.Linear("head", graph.MeanTokens("mean", sum), 2));
    }

    private static IEnumerable<(string Name, Func<int, int> RowOf)> Orders(int height, int width) =>
    [
        ("rows", t => t / width), ("rowsBack", t => height - 1 - (t / width)), ("columns", t => t % height),
        ("columnsBack", t => height - 1 - (t % height)),
    ];

    /// <summary>A model whose linear layers have quantizers for their input, by the places of its tokens.</summary>
    private static QuantizedModel Model(Graph graph, Func<Node, IEnumerable<int>, UniformQuantizer> quantizer)
    {
        Dictionary<string, Func<int, int>> rows = Orders(4, 4).ToDictionary(order => order.Name, order => order.RowOf);
        Dictionary<string, QuantizedLayer> layers = graph.Nodes.Where(
            node => node.IsLinear && node.Name != "head").ToDictionary(
            node => node.Name,
            node => new QuantizedLayer(null, null, quantizer(
                node,
                rows.TryGetValue(node.Name, out Func<int, int>? rowOf)
                    ? Enumerable.Range(0, 16).Select(t => 4 * rowOf(t))
                    : [])));
        return new QuantizedModel(
            new GraphConfig(graph), Preprocessing.ForSize(4, 1), null, new Recipe(), new CalibrationDigest(1, ""),
            new Dictionary<string, FloatTensor>(), layers, new Dictionary<string, QuantizedScan>());
    }
}
