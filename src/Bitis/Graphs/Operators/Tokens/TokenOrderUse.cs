namespace Bitis.Graphs.Operators.Tokens;

/// <summary>
/// What the order of tokens is to an operator: says whether it may work on a sequence that lies in reverse.
/// </summary>
internal enum TokenOrderUse
{
    /// <summary>Positions matter: every input must lie in its own order, and so does the output.</summary>
    Positional,

    /// <summary>
    /// Inputs that all lie in reverse give the output in reverse: tokens are treated alike, or a recurrence starts at
    /// the end.
    /// </summary>
    Equivariant,

    /// <summary>The output is the same for any order, and has none itself.</summary>
    Invariant,
}
