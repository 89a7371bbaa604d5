using Bitis.Graphs;
using Bitis.Onnx.Writing;
using Bitis.Tensors;

namespace Bitis.Onnx.Operators;

/// <summary>Writes the nodes of a model as ONNX operators, one after the other.</summary>
internal sealed class ModelWriter
{
    private readonly Dictionary<Node, Value> _values = [];
    private readonly Dictionary<(Node Node, (int Height, int Width)? Grid), string> _forms = [];
    private readonly Dictionary<string, string> _parameters = [];
    private readonly IReadOnlyDictionary<string, FloatTensor> _weights;
    private readonly HashSet<string> _written = [];
    private readonly Dictionary<(Node Node, int Index), string> _computed = [];

    /// <summary>Starts a model.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="weights">Its parameters, by name; only those that are asked for need to be there.</param>
    /// <param name="options">What the file should be like.</param>
    public ModelWriter(Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, OnnxOptions options)
    {
        Graph = graph;
        Options = options;
        _weights = weights;
        Onnx = new GraphWriter(options.Opset, "bitis");
        foreach ((string name, _) in graph.Parameters)
            _parameters.Add(name, Onnx.Names.Take(name));
    }

    /// <summary>The model's graph.</summary>
    public Graph Graph { get; }

    /// <summary>What the file should be like.</summary>
    public OnnxOptions Options { get; }

    /// <summary>The names of the parameters that were asked for.</summary>
    public IReadOnlyCollection<string> WrittenParameters => _written;

    /// <summary>The ONNX graph.</summary>
    public GraphWriter Onnx { get; }

    /// <summary>Writes the nodes that an output needs, each under its own name.</summary>
    /// <param name="output">The output.</param>
    /// <param name="write">Writes one node.</param>
    /// <param name="inputs">The nodes whose values a node takes; null for those of the graph.</param>
    /// <returns>The output's value.</returns>
    public Value Write(Node output, Func<Node, Value> write, Func<Node, IEnumerable<Node>>? inputs = null)
    {
        var names = new Dictionary<Node, string>();
        IReadOnlyList<Node> needed = Needed(Graph, output, inputs);
        foreach (Node node in needed)
            names.Add(node, Onnx.Names.Take(node.Name));
        foreach (Node node in needed)
        {
            Onnx.Scope = names[node];
            int first = Onnx.Proto.Node.Count;
            Value value = write(node);
            _values[node] = Onnx.TryRename(value.Name, names[node], first) ? value with { Name = names[node] } : value;
        }
        return _values[output];
    }

    /// <summary>The name of a node's value in the form in which it exists.</summary>
    public Value ValueOf(Node node) => _values[node];

    /// <summary>A value in the form that Bitis gives it: tokens as <c>[batch, tokens, channels]</c>.</summary>
    public string Plain(Node node) =>
        _values[node].Grid is { } grid
            ? InForm(node, null, () => ToTokens(_values[node].Name, grid))
            : _values[node].Name;

    /// <summary>Tokens as a map <c>[batch, channels, height, width]</c>.</summary>
    public string Map(Node node, int height, int width) => _values[node].Grid == (height, width)
        ? _values[node].Name
        : InForm(node, (height, width), () => ToMap(Plain(node), node.Shape[1], height, width));

    /// <summary>Says that a parameter of a node is computed from something else.</summary>
    public void SetParameter(Node node, int index, string value) => _computed[(node, index)] = value;

    /// <summary>A parameter of a node, in the checkpoint's form.</summary>
    public string Parameter(Node node, int index)
    {
        if (_computed.TryGetValue((node, index), out string? computed))
            return computed;
        string name = node.ParameterNames[index];
        if (_written.Add(name))
            Onnx.Parameter(_parameters[name], _weights[name]);
        return _parameters[name];
    }

    /// <summary>The values of a parameter of a node.</summary>
    public FloatTensor ParameterValues(Node node, int index) => _weights[node.ParameterNames[index]];

    /// <summary>Tokens as a map.</summary>
    public string ToMap(string tokens, int channels, int height, int width) => Onnx.Add(
        "Reshape", [Transposed(tokens), Onnx.Integers(-1, channels, height, width)]);

    /// <summary>A map as tokens.</summary>
    public string ToTokens(string map, (int Height, int Width) grid) => Transposed(
        Onnx.Add("Reshape", [map, Onnx.Integers(0, 0, (long)grid.Height * grid.Width)]));

    /// <summary>A value with its last two of three dimensions exchanged.</summary>
    public string Transposed(string value) => Onnx.Add("Transpose", [value], ("perm", new[] { 0, 2, 1 }));

    /// <summary>A shape whose first size is the batch of a value.</summary>
    public string ShapeWithBatch(string value, params ReadOnlySpan<long> others)
    {
        string batch = Onnx.Add("Shape", [value], ("start", 0), ("end", 1));
        return Onnx.Add("Concat", [batch, Onnx.Integers(others)], ("axis", 0));
    }

    /// <summary>A value with one more dimension of size 1.</summary>
    public string Unsqueezed(string value, int axis) => Onnx.Add("Unsqueeze", [value, Onnx.Integers(axis)]);

    /// <summary>The mean over a dimension.</summary>
    public string Mean(string value, int axis, bool keepsDimension) => Onnx.Opset >= 18
        ? Onnx.Add("ReduceMean", [value, Onnx.Integers(axis)], ("keepdims", keepsDimension ? 1 : 0))
        : Onnx.Add("ReduceMean", [value], ("axes", new[] { axis }), ("keepdims", keepsDimension ? 1 : 0));

    /// <summary>The nodes that an output depends on, in their order; the image in any case.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="output">The output.</param>
    /// <param name="inputs">The nodes whose values a node takes; null for those of the graph.</param>
    internal static IReadOnlyList<Node> Needed(
        Graph graph, Node output, Func<Node, IEnumerable<Node>>? inputs = null)
    {
        inputs ??= node => node.Inputs;
        var needed = new HashSet<Node> { output, graph.Input };
        foreach (Node node in graph.Nodes.Reverse().Where(needed.Contains).SelectMany(inputs))
            needed.Add(node);
        return [.. graph.Nodes.Where(needed.Contains)];
    }

    private string InForm(Node node, (int Height, int Width)? grid, Func<string> convert)
    {
        if (!_forms.TryGetValue((node, grid), out string? name))
            _forms.Add((node, grid), name = convert());
        return name;
    }
}
