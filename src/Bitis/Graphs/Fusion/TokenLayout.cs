namespace Bitis.Graphs.Fusion;

/// <summary>How the tokens of a value lie in memory.</summary>
/// <param name="IsReversed">Whether they lie in the opposite order.</param>
/// <param name="IndexMap">
/// For each token its row in memory, -1 for zeros; null where row and token are the same.
/// </param>
internal readonly record struct TokenLayout(bool IsReversed, int[]? IndexMap)
{
    /// <summary>One token after the other, the first one first.</summary>
    public static TokenLayout Natural => default;
}
