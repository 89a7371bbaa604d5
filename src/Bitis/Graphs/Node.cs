using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>One application of an operator in a <see cref="Graph"/>. Each node produces one value.</summary>
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

    /// <summary>The name; for modules, their path in the official checkpoint: <c>layers.3.mixer.x_proj</c>.</summary>
    public string Name { get; }

    /// <summary>The block of the backbone that the node belongs to, counted from 0; null for stem and head.</summary>
    public int? Block { get; }

    /// <summary>The name of what the node computes: <c>linear</c>, <c>selective_scan</c>.</summary>
    public string Kind => Operator.Kind;

    /// <summary>The operator that the node applies.</summary>
    internal Operator Operator { get; }

    /// <summary>The nodes whose values this node takes.</summary>
    public IReadOnlyList<Node> Inputs { get; }

    /// <summary>
    /// The parameters' names in the checkpoint, in the order that the method of <see cref="GraphBuilder"/> states.
    /// </summary>
    public IReadOnlyList<string> ParameterNames { get; }

    /// <summary>The shape of the node's value for one image, without the batch.</summary>
    public Shape Shape { get; }

    /// <summary>Whether the value comes from outside: the image, or what a part of a model takes.</summary>
    internal bool IsInput => Operator.IsInput;

    /// <summary>Whether it is a linear layer.</summary>
    internal bool IsLinear => Operator.Product is { IsConvolution: false };

    /// <summary>The name, operator and shape, for a debugger.</summary>
    public override string ToString() => $"{Name}: {Kind} {Shape}";
}
