namespace Bitis.Graphs.Fusion;

/// <summary>A convolution over a map and the change of layout after it: patches times a matrix, as tokens.</summary>
/// <param name="Convolution">The convolution.</param>
/// <param name="Flatten">The change of layout.</param>
internal sealed record FusedPatches(Node Convolution, Node Flatten) : FusedOperation([Convolution, Flatten], [Flatten]);
