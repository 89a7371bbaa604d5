using System.Runtime.InteropServices;

namespace Bitis.Benchmarks.Peer;

/// <summary>Builds an ONNX model node by node; names are made up as it goes.</summary>
internal sealed class OnnxGraph
{
    public const int Float32 = 1, UInt8 = 2, Int8 = 3, Int64 = 7;

    private const int IrVersion = 8, OpsetVersion = 17;
    private const int AttributeFloat = 1, AttributeInt = 2, AttributeInts = 7;

    private readonly ProtoWriter _graph = new ProtoWriter().Text(2, "benchmark");
    private readonly Random _random = new(1);
    private int _names;

    /// <summary>Declares the input.</summary>
    public string Input(int type, params int[] shape)
    {
        _graph.Message(11, ValueInfo("input", type, shape));
        return "input";
    }

    /// <summary>Declares an output.</summary>
    public void Output(string name, int type, params int[] shape) => _graph.Message(12, ValueInfo(name, type, shape));

    /// <summary>Adds an operator.</summary>
    /// <returns>The name of its output.</returns>
    public string Add(string op, string[] inputs, params (string Name, object Value)[] attributes) =>
        Add(op, inputs, outputs: 1, attributes)[0];

    /// <summary>Adds an operator with several outputs.</summary>
    public string[] Add(string op, string[] inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        var node = new ProtoWriter();
        foreach (string input in inputs)
            node.Text(1, input);
        string[] names = [.. Enumerable.Range(0, outputs).Select(_ => $"v{_names++}")];
        foreach (string name in names)
            node.Text(2, name);
        node.Text(4, op);
        foreach ((string name, object value) in attributes)
            node.Message(5, Attribute(name, value));
        _graph.Message(1, node);
        return names;
    }

    /// <summary>Small random weights.</summary>
    public string Weights(params int[] shape)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        foreach (ref float value in values.AsSpan())
            value = (_random.NextSingle() - 0.5f) * 0.1f;
        return FloatTensor(Float32, shape, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Random bytes, of type <see cref="UInt8"/> or <see cref="Int8"/>.</summary>
    public string Bytes(int type, params int[] shape)
    {
        byte[] values = new byte[shape.Aggregate(1, (a, b) => a * b)];
        _random.NextBytes(values);
        return FloatTensor(type, shape, values);
    }

    public string Scalar(float value) => FloatTensor(Float32, [], BitConverter.GetBytes(value));

    public string Scalar(int type, byte value) => FloatTensor(type, [], [value]);

    public string Shape(params long[] values) =>
        FloatTensor(Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>Writes the model.</summary>
    public void Save(string path) => File.WriteAllBytes(path, new ProtoWriter()
        .Number(1, IrVersion)
        .Message(7, _graph)
        .Message(8, new ProtoWriter().Text(1, "").Number(2, OpsetVersion))
        .ToArray());

    private string FloatTensor(int type, int[] shape, ReadOnlySpan<byte> bytes)
    {
        string name = $"w{_names++}";
        var tensor = new ProtoWriter();
        foreach (int size in shape)
            tensor.Number(1, size);
        _graph.Message(5, tensor.Number(2, type).Text(8, name).Bytes(9, bytes));
        return name;
    }

    private static ProtoWriter ValueInfo(string name, int type, int[] shape)
    {
        var dimensions = new ProtoWriter();
        foreach (int size in shape)
            dimensions.Message(1, new ProtoWriter().Number(1, size));
        ProtoWriter tensor = new ProtoWriter().Number(1, type).Message(2, dimensions);
        return new ProtoWriter().Text(1, name).Message(2, new ProtoWriter().Message(1, tensor));
    }

    private static ProtoWriter Attribute(string name, object value)
    {
        ProtoWriter attribute = new ProtoWriter().Text(1, name);
        switch (value)
        {
            case float number:
                return attribute.Single(2, number).Number(20, AttributeFloat);
            case int number:
                return attribute.Number(3, number).Number(20, AttributeInt);
            case int[] numbers:
                foreach (int number in numbers)
                    attribute.Number(8, number);
                return attribute.Number(20, AttributeInts);
            default:
                throw new ArgumentException($"{value.GetType()} is not an attribute.", nameof(value));
        }
    }
}
