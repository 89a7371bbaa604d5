using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>
/// One application of an operator in a <see cref="Graph"/>, and the value it produces: each node has one output.
/// </summary>
public sealed class Node
{
    internal Node(
        int index, string name, int? block, Operator op, IReadOnlyList<Node> inputs,
        IReadOnlyList<string> parameterNames, Shape shape)
    {
        Index = index;
        Name = name;
        Block = block;
        Operator = op;
        Inputs = inputs;
        ParameterNames = parameterNames;
        Shape = shape;
    }

    /// <summary>The position in <see cref="Graph.Nodes"/>, which is an order of execution.</summary>
    public int Index { get; }

    /// <summary>The module's path in the official checkpoint where it has one: <c>layers.3.mixer.x_proj</c>.</summary>
    public string Name { get; }

    /// <summary>
    /// The block of the backbone that the node belongs to, counted from 0; none for the stem and the head.
    /// </summary>
    public int? Block { get; }

    /// <summary>The name of what the node computes: <c>linear</c>, <c>selective_scan</c>.</summary>
    public string Kind => Operator.Kind;

    /// <summary>What the node computes.</summary>
    internal Operator Operator { get; }

    /// <summary>The nodes whose values it takes.</summary>
    public IReadOnlyList<Node> Inputs { get; }

    /// <summary>
    /// The names of its parameters in the checkpoint, in the order that its method of <see cref="GraphBuilder"/>
    /// states.
    /// </summary>
    public IReadOnlyList<string> ParameterNames { get; }

    /// <summary>The shape of its value for one image, without the batch.</summary>
    public Shape Shape { get; }

    /// <summary>Whether the value comes from outside: the image, or what a part of a model takes.</summary>
    internal bool IsInput => Operator.IsInput;

    /// <summary>Whether it is a linear layer.</summary>
    internal bool IsLinear => Operator.Product is { IsConvolution: false };

    /// <summary>The name, operator and shape, for a debugger.</summary>
    public override string ToString() => $"{Name}: {Kind} {Shape}";
}
