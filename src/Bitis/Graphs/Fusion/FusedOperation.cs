namespace Bitis.Graphs.Fusion;

/// <summary>Neighbouring nodes that executors plan, run and differentiate as one operation.</summary>
internal abstract record FusedOperation
{
    private protected FusedOperation(IReadOnlyList<Node> nodes, IReadOnlyList<Node> outputs)
    {
        Nodes = nodes;
        Outputs = outputs;
        var inside = nodes.ToHashSet();
        Inputs = [.. nodes.SelectMany(node => node.Inputs).Where(input => !inside.Contains(input)).Distinct()];
    }

    /// <summary>All nodes of the operation, in the graph's order.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The values that come from other operations, each once.</summary>
    public IReadOnlyList<Node> Inputs { get; }

    /// <summary>The values that other operations may read. Those of the other nodes stay inside.</summary>
    public IReadOnlyList<Node> Outputs { get; }

    /// <summary>The node after which profiles and errors name the operation.</summary>
    public virtual Node Main => Nodes[0];

    /// <summary>The operation's place in the order of execution, as an index of the graph's nodes.</summary>
    /// <remarks>Its inputs come earlier, and all readers of its outputs later.</remarks>
    public int Position => Outputs.Min(output => output.Index);

    /// <summary>Compares by identity, since an operation is a place in a graph.</summary>
    public virtual bool Equals(FusedOperation? other) => ReferenceEquals(this, other);

    /// <inheritdoc />
    public override int GetHashCode() => Nodes[0].GetHashCode();
}
