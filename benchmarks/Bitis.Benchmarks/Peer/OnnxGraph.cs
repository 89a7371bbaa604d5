using System.Runtime.InteropServices;
using Google.Protobuf;
using Onnx;
using AttributeType = Onnx.AttributeProto.Types.AttributeType;
using DataType = Onnx.TensorProto.Types.DataType;
using Dimension = Onnx.TensorShapeProto.Types.Dimension;

namespace Bitis.Benchmarks.Peer;

/// <summary>Builds an ONNX model node by node; names are made up as it goes.</summary>
internal sealed class OnnxGraph
{
    private const int IrVersion = 8, OpsetVersion = 17;

    private readonly GraphProto _graph = new() { Name = "benchmark" };
    private readonly Random _random = new(1);
    private int _names;

    /// <summary>The model.</summary>
    public ModelProto Model => new()
    {
        IrVersion = IrVersion,
        Graph = _graph,
        OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OpsetVersion } },
    };

    /// <summary>Declares the input.</summary>
    public string Input(DataType type, params int[] shape) => Input("input", type, shape);

    /// <summary>Declares one of several inputs.</summary>
    public string Input(string name, DataType type, params int[] shape)
    {
        _graph.Input.Add(ValueInfo(name, type, shape));
        return name;
    }

    /// <summary>Declares an output.</summary>
    public void Output(string name, DataType type, params int[] shape) =>
        _graph.Output.Add(ValueInfo(name, type, shape));

    /// <summary>Adds an operator.</summary>
    /// <returns>The name of its output.</returns>
    public string Add(string op, string[] inputs, params (string Name, object Value)[] attributes) =>
        Add(op, inputs, outputs: 1, attributes)[0];

    /// <summary>Adds an operator with several outputs.</summary>
    public string[] Add(string op, string[] inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        string[] names = [.. Enumerable.Range(0, outputs).Select(_ => $"v{_names++}")];
        _graph.Node.Add(new NodeProto
        {
            OpType = op,
            Input = { inputs },
            Output = { names },
            Attribute = { attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)) },
        });
        return names;
    }

    /// <summary>Small random weights.</summary>
    public string Weights(params int[] shape)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        foreach (ref float value in values.AsSpan())
            value = (_random.NextSingle() - 0.5f) * 0.1f;
        return Tensor(DataType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Random 8-bit weights.</summary>
    public string IntegerWeights(params int[] shape)
    {
        byte[] values = new byte[shape.Aggregate(1, (a, b) => a * b)];
        _random.NextBytes(values);
        return Tensor(DataType.Int8, shape, values);
    }

    public string Scalar(float value) => Tensor(DataType.Float, [], BitConverter.GetBytes(value));

    public string Scalar(byte value) => Tensor(DataType.Uint8, [], [value]);

    public string Scalar(sbyte value) => Tensor(DataType.Int8, [], [(byte)value]);

    public string Shape(params long[] values) =>
        Tensor(DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()));

    private string Tensor(DataType type, int[] shape, ReadOnlySpan<byte> bytes)
    {
        string name = $"w{_names++}";
        _graph.Initializer.Add(new TensorProto
        {
            Name = name,
            DataType = (int)type,
            Dims = { shape.Select(size => (long)size) },
            RawData = ByteString.CopyFrom(bytes),
        });
        return name;
    }

    private static ValueInfoProto ValueInfo(string name, DataType type, int[] shape) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = (int)type,
                Shape = new TensorShapeProto { Dim = { shape.Select(size => new Dimension { DimValue = size }) } },
            },
        },
    };

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        float number => new() { Name = name, Type = AttributeType.Float, F = number },
        int number => new() { Name = name, Type = AttributeType.Int, I = number },
        string text => new() { Name = name, Type = AttributeType.String, S = ByteString.CopyFromUtf8(text) },
        int[] numbers => new()
        {
            Name = name,
            Type = AttributeType.Ints,
            Ints = { numbers.Select(number => (long)number) },
        },
        _ => throw new ArgumentException($"{value.GetType()} is not an attribute.", nameof(value)),
    };
}
