using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>Makes a graph that fails a check smaller, as long as it fails in the same way.</summary>
internal static class GraphShrinker
{
    /// <summary>The smallest graph found, and what the check finds in it.</summary>
    /// <param name="spec">A graph that fails.</param>
    /// <param name="finding">How.</param>
    /// <param name="check">The check.</param>
    public static (GraphSpec Spec, Finding Finding) Shrink(
        GraphSpec spec, Finding finding, Func<GraphSpec, Finding?> check)
    {
        while (true)
        {
            (GraphSpec Spec, Finding Finding)? smaller = Smaller();
            if (smaller is null)
                return (spec, finding);
            (spec, finding) = smaller.Value;
        }

        (GraphSpec, Finding)? Smaller()
        {
            foreach (GraphSpec candidate in Candidates(spec).Where(candidate => Cost(candidate) < Cost(spec)))
            {
                try
                {
                    if (check(candidate) is { } found && found.Kind == finding.Kind
                        && found.Signature == finding.Signature)
                    {
                        return (candidate, found);
                    }
                }
                catch (ArgumentException)
                {
                    // Its shapes do not fit.
                }
            }
            return null;
        }
    }

    private static int Cost(GraphSpec spec) =>
        spec.Nodes.Sum(
            node => 20 + node.Inputs.Length + (node.Operator is Linear ? 0 : 4) + (node.Block is null ? 0 : 1)
                + (node.ParameterOwner is null ? 0 : 1));

    private static IEnumerable<GraphSpec> Candidates(GraphSpec spec)
    {
        if (spec.Nodes.Any(node => node.Block is not null))
            yield return spec with { Nodes = [.. spec.Nodes.Select(node => node with { Block = null })] };
        yield return spec.WithoutDeadNodes();
        for (int i = 1; i < spec.Output; i++)
            yield return (spec with { Output = i }).WithoutDeadNodes();
        for (int i = spec.Nodes.Count - 1; i > 0; i--)
        {
            foreach (int input in spec.Nodes[i].Inputs)
                yield return spec.Replace(i, input).WithoutDeadNodes();
        }
        for (int i = 1; i < spec.Nodes.Count; i++)
        {
            NodeSpec node = spec.Nodes[i];
            if (node.Inputs.Length > 2)
                yield return spec.With(i, node with { Inputs = node.Inputs[..^1] }).WithoutDeadNodes();
            if (node.ParameterOwner is not null)
                yield return spec.With(i, node with { ParameterOwner = null });
            if (node.Block is not null)
                yield return spec.With(i, node with { Block = null });
            if (node.Operator is not Linear && Simplified(spec, i) is { } simple)
                yield return simple.WithoutDeadNodes();
        }
    }

    /// <summary>
    /// The graph with a linear layer in the place of another operator, where one gives the same shape.
    /// </summary>
    private static GraphSpec? Simplified(GraphSpec spec, int index)
    {
        Bitis.Graphs.Graph graph = spec.Build();
        Shape shape = graph.Nodes[index].Shape;
        foreach (int input in spec.Nodes[index].Inputs)
        {
            Shape from = graph.Nodes[input].Shape;
            if (from.Rank == shape.Rank && from.Rank > 0 && from.Sizes[..^1].SequenceEqual(shape.Sizes[..^1]))
            {
                return spec.With(
                    index,
                    spec.Nodes[index] with
                    {
                        Operator = new Linear(from[^1], shape[^1], HasBias: false),
                        Inputs = [input],
                    });
            }
        }
        return null;
    }
}
