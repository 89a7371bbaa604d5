namespace Bitis.Graphs.Fusion;

/// <summary>A value that is a view of another one: a slice, a reversal, an index map, a token. Nothing is computed.</summary>
/// <param name="Node">The view.</param>
internal sealed record ValueView(Node Node) : FusedOperation([Node], [Node]);
