namespace Bitis.Graphs.Fusion;

/// <summary>An operation of a single operator.</summary>
/// <param name="Node">Its node.</param>
internal sealed record SingleOperator(Node Node) : FusedOperation([Node], [Node]);
