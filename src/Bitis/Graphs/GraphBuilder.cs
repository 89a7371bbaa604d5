using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Builds a <see cref="Graph"/> node by node; shapes are checked as the nodes are added.</summary>
public sealed class GraphBuilder
{
    private readonly List<Node> _nodes = [];
    private readonly HashSet<string> _names = [];
    private readonly Dictionary<string, (Shape Shape, string Node)> _parameters = [];

    /// <summary>Starts a graph whose input is one image.</summary>
    /// <param name="input">The image's shape, <c>[channels, height, width]</c>.</param>
    public GraphBuilder(Shape input) => Input = Add("input", new Input(input), []);

    /// <summary>The image.</summary>
    public Node Input { get; }

    /// <summary>The block that the nodes added from now on belong to; null outside the backbone's blocks.</summary>
    public int? Block { get; set; }

    /// <summary>Adds a node whose parameters are named <c>{name}.{role}</c>, as a module's are.</summary>
    /// <exception cref="ArgumentException">The inputs do not fit the operator, or the name is taken.</exception>
    public Node Add(string name, Operator op, params ReadOnlySpan<Node> inputs) =>
        Add(name, op, inputs, [.. op.Parameters.Select(spec => $"{name}.{spec.Role}")]);

    /// <summary>Adds a node whose parameters have names of their own; nodes that name the same one share it.</summary>
    /// <exception cref="ArgumentException">
    /// The inputs do not fit the operator, the name is taken, or another node has a parameter of that name with another shape.
    /// </exception>
    public Node Add(string name, Operator op, ReadOnlySpan<Node> inputs, IReadOnlyList<string> parameterNames)
    {
        if (!_names.Add(name))
            throw new ArgumentException($"The graph already has a node named '{name}'.", nameof(name));
        if (parameterNames.Count != op.Parameters.Count)
            throw new ArgumentException($"'{name}' needs {op.Parameters.Count} parameter names.", nameof(parameterNames));
        Node[] nodes = inputs.ToArray();
        Shape shape = op.OutputShape(Array.ConvertAll(nodes, node => node.Shape));
        RequireTensor(name, shape);
        foreach ((string parameter, ParameterSpec spec) in parameterNames.Zip(op.Parameters))
        {
            RequireTensor(parameter, spec.Shape);
            if (!_parameters.TryAdd(parameter, (spec.Shape, name)) && _parameters[parameter] is var other && other.Shape != spec.Shape)
            {
                throw new ArgumentException(
                    $"The parameter '{parameter}' is {spec.Shape} at '{name}' and {other.Shape} at '{other.Node}'.", nameof(parameterNames));
            }
        }
        var added = new Node(_nodes.Count, name, Block, op, nodes, parameterNames, shape);
        _nodes.Add(added);
        return added;
    }

    private static void RequireTensor(string name, Shape shape)
    {
        if (!Tensor.CanHave(shape))
        {
            throw new BitisException(
                $"'{name}' would have the shape {shape}, more than the {Tensor.MaxElements} elements that a tensor can hold.");
        }
    }

    /// <summary>Finishes the graph.</summary>
    /// <param name="output">The node whose value is the answer.</param>
    public Graph Build(Node output) => new(_nodes, output);
}
