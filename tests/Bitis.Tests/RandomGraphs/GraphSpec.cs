using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A graph that can be changed: generated, reordered, shrunk. Node 0 is the image.</summary>
/// <param name="Nodes">The nodes in an order of execution.</param>
/// <param name="Output">The index of the node that gives the answer.</param>
internal sealed record GraphSpec(IReadOnlyList<NodeSpec> Nodes, int Output)
{
    /// <summary>How many operators there are, without the image.</summary>
    public int Operators => Nodes.Count - 1;

    /// <summary>The graph.</summary>
    /// <exception cref="ArgumentException">Some shapes do not fit.</exception>
    public Graph Build()
    {
        var builder = new GraphBuilder(((Input)Nodes[0].Operator).Shape);
        var nodes = new Node[Nodes.Count];
        nodes[0] = builder.Input;
        for (int i = 1; i < nodes.Length; i++)
        {
            NodeSpec spec = Nodes[i];
            builder.Block = spec.Block;
            Node[] inputs = [.. spec.Inputs.Select(input => nodes[input])];
            string owner = spec.ParameterOwner ?? spec.Name;
            nodes[i] = builder.Add(
                spec.Name,
                spec.Operator,
                inputs,
                [.. spec.Operator.Parameters.Select(parameter => $"{owner}.{parameter.Role}")]);
        }
        return builder.Build(nodes[Output]);
    }

    /// <summary>The same graph without the nodes that the output does not depend on.</summary>
    public GraphSpec WithoutDeadNodes()
    {
        var alive = new bool[Nodes.Count];
        alive[0] = alive[Output] = true;
        for (int i = Nodes.Count - 1; i > 0; i--)
        {
            foreach (int input in alive[i] ? Nodes[i].Inputs : [])
                alive[input] = true;
        }
        return Select([.. Enumerable.Range(0, Nodes.Count).Where(i => alive[i])]);
    }

    /// <summary>The same graph with one of the output's tokens for logits, if it has tokens.</summary>
    public GraphSpec WithLogits()
    {
        Shape shape = Build().Output.Shape;
        return shape.Rank != 2
            ? this
            : new GraphSpec(
                [.. Nodes, new NodeSpec("logits", new SelectToken(shape[0] / 3), [Output], Nodes[^1].Block)],
                Nodes.Count);
    }

    /// <summary>Some of the nodes, in another order.</summary>
    /// <param name="order">Indices of nodes: all that the others need, each after its inputs.</param>
    public GraphSpec Select(IReadOnlyList<int> order)
    {
        var places = new Dictionary<int, int>();
        for (int i = 0; i < order.Count; i++)
            places.Add(order[i], i);
        return new GraphSpec(
            [
                .. order.Select(i => Nodes[i] with { Inputs = [.. Nodes[i].Inputs.Select(input => places[input])] }),
            ], places[Output]);
    }

    /// <summary>The same graph with another node in one place.</summary>
    public GraphSpec With(int index, NodeSpec node) =>
        this with { Nodes = [.. Nodes.Select((old, i) => i == index ? node : old)] };

    /// <summary>The same graph, with another value wherever a node's is read.</summary>
    public GraphSpec Replace(int index, int by) => new(
        [.. Nodes.Select(node => node with { Inputs = [.. node.Inputs.Select(input => input == index ? by : input)] })],
        Output == index ? by : Output);
}
