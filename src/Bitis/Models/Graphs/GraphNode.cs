using Bitis.Graphs.Operators;

namespace Bitis.Models.Graphs;

/// <summary>A node of a graph in a file (docs/file-format.md).</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Inputs">The names of its input nodes, which come before it.</param>
/// <param name="Parameters">The names of its parameters; null for those of a module, <c>{name}.weight</c>.</param>
/// <param name="Block">The block that it belongs to; null for none.</param>
internal sealed record GraphNode(
    string Name, Operator Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string>? Parameters, int? Block)
{
    /// <summary>Whether two nodes are the same in a file.</summary>
    public bool Equals(GraphNode? other) =>
        other is not null
        && Name == other.Name
        && Operator.Equals(other.Operator)
        && Inputs.SequenceEqual(other.Inputs)
        && (Parameters ?? []).SequenceEqual(other.Parameters ?? [])
        && Block == other.Block;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Name, Operator, Block);
}
