using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bitis.Tensors;
using Onnx;
using AttributeType = Onnx.AttributeProto.Types.AttributeType;
using DataType = Onnx.TensorProto.Types.DataType;
using Dimension = Onnx.TensorShapeProto.Types.Dimension;

namespace Bitis.Onnx.Writing;

/// <summary>Writes an ONNX graph node by node.</summary>
/// <remarks>
/// Constants belong to the outermost graph, where the bodies of its loops see them, too. Equal constants exist once.
/// </remarks>
internal sealed class GraphWriter
{
    /// <summary>The name of the dimension whose size a caller chooses.</summary>
    public const string Batch = "batch";

    /// <summary>Stands for <see cref="Batch"/> where sizes are given.</summary>
    public const long BatchSize = -1;

    private readonly GraphWriter? _outer;
    private readonly Dictionary<string, string> _constants = [];
    private readonly List<GraphTensor> _tensors = [];

    /// <summary>Starts a graph.</summary>
    /// <param name="opset">The version of the standard operators.</param>
    /// <param name="name">The graph's name.</param>
    public GraphWriter(int opset, string name)
    {
        Opset = opset;
        Names = new NameScope();
        Proto = new GraphProto { Name = NameScope.Clean(name) };
    }

    private GraphWriter(GraphWriter outer)
    {
        _outer = outer;
        Opset = outer.Opset;
        Names = outer.Names;
        Scope = outer.Scope;
        Proto = new GraphProto { Name = Names.Take($"{Scope}/body") };
    }

    /// <summary>The version of the standard operators.</summary>
    public int Opset { get; }

    /// <summary>The graph's message.</summary>
    public GraphProto Proto { get; }

    /// <summary>The names of the model.</summary>
    public NameScope Names { get; }

    /// <summary>What the names of intermediate values begin with.</summary>
    public string Scope { get; set; } = "";

    /// <summary>The constants and parameters.</summary>
    public IReadOnlyList<GraphTensor> Tensors => _tensors;

    private GraphWriter Root => _outer?.Root ?? this;

    /// <summary>Starts the body of a loop, which sees the values of this graph.</summary>
    public GraphWriter Body() => new(this);

    /// <summary>Adds an operator.</summary>
    /// <param name="op">Its name; one of another domain is <c>domain::name</c>.</param>
    /// <param name="inputs">The names of its inputs; empty for an input that is left out.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The name of its output.</returns>
    public string Add(
        string op, IReadOnlyList<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes) =>
        AddMany(op, inputs, outputs: 1, attributes)[0];

    /// <summary>Adds an operator with several outputs.</summary>
    /// <param name="op">Its name; one of another domain is <c>domain::name</c>.</param>
    /// <param name="inputs">The names of its inputs.</param>
    /// <param name="outputs">How many outputs it has.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The names of its outputs.</returns>
    public string[] AddMany(
        string op, IReadOnlyList<string> inputs, int outputs,
        params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        (string domain, string type) = op.Split("::") is [var first, var second] ? (first, second) : ("", op);
        string[] names = [.. Enumerable.Range(0, outputs).Select(_ => Names.Take($"{Scope}/{type}"))];
        var node = new NodeProto
        {
            Name = names[0],
            OpType = type,
            Domain = domain,
            Input = { inputs },
            Output = { names },
        };
        foreach ((string name, object value) in attributes)
            node.Attribute.Add(Attribute(name, value));
        Proto.Node.Add(node);
        return names;
    }

    /// <summary>Gives a value another name, in the node that computes it and in those that read it.</summary>
    /// <param name="name">The value.</param>
    /// <param name="other">The new name, which is nobody else's.</param>
    /// <param name="first">The first node to look at.</param>
    /// <returns>Whether a node computes it.</returns>
    public bool TryRename(string name, string other, int first)
    {
        bool isFound = false;
        foreach (NodeProto node in Proto.Node.Skip(first))
        {
            for (int i = 0; i < node.Input.Count; i++)
                node.Input[i] = node.Input[i] == name ? other : node.Input[i];
            for (int i = 0; i < node.Output.Count; i++)
            {
                if (node.Output[i] != name)
                    continue;
                (node.Output[i], node.Name, isFound) = (other, i == 0 ? other : node.Name, true);
            }
        }
        return isFound;
    }

    /// <summary>Declares an input under a name that is taken already.</summary>
    public string Input(string name, DataType type, params ReadOnlySpan<long> shape)
    {
        Proto.Input.Add(ValueInfo(name, type, shape));
        return name;
    }

    /// <summary>Declares an input of a body, whose shape follows from the loop.</summary>
    public string BodyInput(string wanted, DataType type = DataType.Float)
    {
        string name = Names.Take($"{Scope}/{wanted}");
        Proto.Input.Add(new ValueInfoProto { Name = name, Type = TypeOf(type) });
        return name;
    }

    /// <summary>Declares an output of a body.</summary>
    public void BodyOutput(string name, DataType type = DataType.Float) =>
        Proto.Output.Add(new ValueInfoProto { Name = name, Type = TypeOf(type) });

    /// <summary>Declares an output.</summary>
    public void Output(string name, DataType type, params ReadOnlySpan<long> shape) =>
        Proto.Output.Add(ValueInfo(name, type, shape));

    /// <summary>Adds a parameter under a name that is taken already.</summary>
    public string Parameter(string name, FloatTensor values) =>
        Store(name, DataType.Float, SizesOf(values.Shape), MemoryMarshal.AsBytes(values.Span).ToArray());

    /// <summary>A constant of float32.</summary>
    public string Floats(ReadOnlySpan<float> values, params ReadOnlySpan<long> shape) =>
        Constant(DataType.Float, shape, MemoryMarshal.AsBytes(values));

    /// <summary>A constant of float64.</summary>
    public string Doubles(ReadOnlySpan<double> values, params ReadOnlySpan<long> shape) =>
        Constant(DataType.Double, shape, MemoryMarshal.AsBytes(values));

    /// <summary>A constant number.</summary>
    public string Scalar(float value) => Floats([value]);

    /// <summary>A constant list of sizes, axes or indices.</summary>
    public string Integers(params ReadOnlySpan<long> values) =>
        Constant(DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values));

    /// <summary>A constant index.</summary>
    public string Index(long value) => Constant(DataType.Int64, [], MemoryMarshal.AsBytes([value]));

    /// <summary>A constant of any type.</summary>
    /// <param name="type">The type.</param>
    /// <param name="shape">The sizes of its dimensions; none for a number.</param>
    /// <param name="bytes">The values, little-endian.</param>
    public string Constant(DataType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes)
    {
        GraphWriter root = Root;
        string key = $"{type} {string.Join(',', shape.ToArray())} {Convert.ToHexString(SHA256.HashData(bytes))}";
        if (!root._constants.TryGetValue(key, out string? name))
        {
            name = Names.Take($"{Scope}/constant");
            root._constants.Add(key, root.Store(name, type, shape, bytes.ToArray()));
        }
        return name;
    }

    private static long[] SizesOf(Shape shape) => [.. shape.Select(size => (long)size)];

    private string Store(string name, DataType type, ReadOnlySpan<long> shape, byte[] bytes)
    {
        var proto = new TensorProto { Name = name, DataType = (int)type, Dims = { shape.ToArray() } };
        _tensors.Add(new GraphTensor(proto, bytes));
        return name;
    }

    private static ValueInfoProto ValueInfo(string name, DataType type, ReadOnlySpan<long> shape)
    {
        var sizes = new TensorShapeProto();
        foreach (long size in shape)
            sizes.Dim.Add(size == BatchSize ? new Dimension { DimParam = Batch } : new Dimension { DimValue = size });
        TypeProto value = TypeOf(type);
        value.TensorType.Shape = sizes;
        return new ValueInfoProto { Name = name, Type = value };
    }

    private static TypeProto TypeOf(DataType type) =>
        new() { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } };

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        float number => new() { Name = name, Type = AttributeType.Float, F = number },
        int number => new() { Name = name, Type = AttributeType.Int, I = number },
        long number => new() { Name = name, Type = AttributeType.Int, I = number },
        string text => new()
        {
            Name = name,
            Type = AttributeType.String,
            S = Google.Protobuf.ByteString.CopyFromUtf8(text),
        },
        int[] numbers => new()
        {
            Name = name,
            Type = AttributeType.Ints,
            Ints = { numbers.Select(number => (long)number) },
        },
        GraphProto graph => new() { Name = name, Type = AttributeType.Graph, G = graph },
        _ => throw new ArgumentException($"{value.GetType()} is not an attribute.", nameof(value)),
    };
}
