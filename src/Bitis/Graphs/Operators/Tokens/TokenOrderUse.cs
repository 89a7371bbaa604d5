namespace Bitis.Graphs.Operators.Tokens;

/// <summary>What the order of tokens means to an operator.</summary>
/// <remarks>Says whether the operator may work on a sequence that lies in reverse.</remarks>
internal enum TokenOrderUse
{
    /// <summary>Positions matter: every input must lie in its own order, and so does the output.</summary>
    Positional,

    /// <summary>If all inputs lie in reverse, the output does.</summary>
    /// <remarks>All tokens are treated alike, or a recurrence starts at the end.</remarks>
    Equivariant,

    /// <summary>The output is the same for any order, and has none itself.</summary>
    Invariant,
}
