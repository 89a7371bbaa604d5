using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Graphs.Fusion;

/// <summary>A value that is a view of another one: a slice, a reversal, an index map, a token.</summary>
/// <remarks>Nothing is computed.</remarks>
/// <param name="Node">The view.</param>
internal sealed record ValueView(Node Node) : FusedOperation([Node], [Node])
{
    /// <summary>Whether it has the tokens in reverse.</summary>
    public bool Reverses => Node.Operator is ReverseTokens;

    /// <summary>The first channel of a slice; null for other views.</summary>
    public int? FirstChannel => Node.Operator is SliceChannels slice ? slice.Start : null;

    /// <summary>The channel after the last one of a slice; null for other views.</summary>
    public int? EndChannel => FirstChannel + Node.Shape[^1];
}
