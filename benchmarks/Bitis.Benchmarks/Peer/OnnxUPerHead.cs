using Bitis.Onnx.Writing;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Benchmarks.Peer;

/// <summary>The UPerHead of VMamba-Tiny in ONNX, with random weights and folded batch norms.</summary>
/// <remarks>
/// ONNX has no adaptive pooling, so where bins do not divide the map, windows of equal size stand for them.
/// </remarks>
internal sealed class OnnxUPerHead
{
    private static readonly int[] Widths = [96, 192, 384, 768], Bins = [1, 2, 3, 6], Point = [1, 1];

    private readonly GraphWriter _graph = RandomGraph.Start();
    private readonly RandomGraph _random;
    private readonly int _channels;

    /// <summary>Builds the model.</summary>
    /// <param name="imageSize">Pixels on a side of the image.</param>
    /// <param name="channels">The channels inside of the head.</param>
    /// <param name="classes">The number of classes.</param>
    public OnnxUPerHead(int imageSize, int channels, int classes)
    {
        _channels = channels;
        _random = new RandomGraph(_graph);
        int[] sizes = [.. Widths.Select((_, stage) => imageSize >> (stage + 2))];
        string[] maps =
        [
            .. Widths.Select(
                (width, stage) => _graph.Input($"map{stage}", DataType.Float, 1, width, sizes[stage], sizes[stage])),
        ];
        string[] levels =
        [
            .. maps.Take(3).Select((map, stage) => Layer(map, Widths[stage], 1)), Pyramid(maps[3], sizes[3]),
        ];
        for (int i = 3; i > 0; i--)
            levels[i - 1] = _graph.Add("Add", [levels[i - 1], Resize(levels[i], channels, sizes[i - 1])]);
        for (int i = 0; i < 3; i++)
            levels[i] = Layer(levels[i], channels, 3);
        for (int i = 1; i < levels.Length; i++)
            levels[i] = Resize(levels[i], channels, sizes[0]);
        string all = Layer(_graph.Add("Concat", levels, ("axis", 1)), levels.Length * channels, 3);
        string logits = _graph.Add(
            "Conv", [all, _random.Weights(classes, channels, 1, 1), _random.Weights(classes)],
            ("kernel_shape", Point));
        _graph.Output(logits, DataType.Float, 1, classes, sizes[0], sizes[0]);
    }

    public ModelProto Model => RandomGraph.Finish(_graph);

    private string Pyramid(string map, int size)
    {
        string[] parts = [.. Bins.Select(bins =>
        {
            int stride = size / bins, kernel = size - ((bins - 1) * stride);
            string pooled = _graph.Add(
                "AveragePool", [map], ("kernel_shape", new[] { kernel, kernel }),
                ("strides", new[] { stride, stride }));
            return Resize(Layer(pooled, Widths[3], 1), _channels, size);
        })];
        return Layer(_graph.Add("Concat", [map, .. parts], ("axis", 1)), Widths[3] + (Bins.Length * _channels), 3);
    }

    private string Layer(string x, int inputs, int kernel)
    {
        int pad = kernel / 2;
        string y = _graph.Add(
            "Conv", [x, _random.Weights(_channels, inputs, kernel, kernel), _random.Weights(_channels)],
            ("kernel_shape", new[] { kernel, kernel }), ("pads", new[] { pad, pad, pad, pad }));
        return _graph.Add("Relu", [y]);
    }

    private string Resize(string x, int channels, int size) => _graph.Add(
        "Resize", [x, "", "", _graph.Integers(1, channels, size, size)], ("mode", "linear"),
        ("coordinate_transformation_mode", "half_pixel"));
}
