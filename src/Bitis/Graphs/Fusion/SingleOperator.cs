namespace Bitis.Graphs.Fusion;

/// <summary>An operator by itself.</summary>
/// <param name="Node">Its node.</param>
internal sealed record SingleOperator(Node Node) : FusedOperation([Node], [Node]);
