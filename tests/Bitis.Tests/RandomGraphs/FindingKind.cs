namespace Bitis.Tests.RandomGraphs;

/// <summary>What a check found.</summary>
internal enum FindingKind
{
    /// <summary>A wrong answer, without a word.</summary>
    Difference,

    /// <summary>An exception that says nothing of what is not supported.</summary>
    Crash,

    /// <summary>An exception that names what is not supported.</summary>
    Refusal,

    /// <summary>
    /// No question: the answer depends on rounding, is no number, or is none that the check asks for.
    /// </summary>
    Undecided,
}
