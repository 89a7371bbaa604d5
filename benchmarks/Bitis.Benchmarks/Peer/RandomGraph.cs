using System.Runtime.InteropServices;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Writing;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Benchmarks.Peer;

/// <summary>Random weights for an ONNX graph.</summary>
/// <param name="graph">The graph.</param>
internal sealed class RandomGraph(GraphWriter graph)
{
    private const int Opset = 17;

    private readonly Random _random = new(1);

    /// <summary>The zero point of signed weights.</summary>
    public string Zero => graph.Constant(DataType.Int8, [], [0]);

    /// <summary>The zero point in the middle of unsigned levels.</summary>
    public string Center => graph.Constant(DataType.Uint8, [], [128]);

    /// <summary>Starts a graph, whose input is named "input".</summary>
    public static GraphWriter Start()
    {
        var graph = new GraphWriter(Opset, "benchmark");
        graph.Names.Take("input");
        return graph;
    }

    /// <summary>The model of a graph.</summary>
    public static ModelProto Finish(GraphWriter graph) =>
        OnnxFile.Message(new ExportedModel(graph, new Dictionary<string, string>(), []));

    /// <summary>Small random weights.</summary>
    public string Weights(params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        foreach (ref float value in values.AsSpan())
            value = (_random.NextSingle() - 0.5f) * 0.1f;
        return graph.Constant(DataType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Random sums of weights.</summary>
    public string Totals(params long[] shape)
    {
        var values = new int[shape.Aggregate(1L, (a, b) => a * b)];
        foreach (ref int value in values.AsSpan())
            value = _random.Next(1000);
        return graph.Constant(DataType.Int32, shape, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Random 8-bit weights.</summary>
    public string IntegerWeights(params long[] shape)
    {
        byte[] values = new byte[shape.Aggregate(1L, (a, b) => a * b)];
        _random.NextBytes(values);
        return graph.Constant(DataType.Int8, shape, values);
    }
}
