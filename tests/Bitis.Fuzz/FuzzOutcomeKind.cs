namespace Bitis.Fuzz;

/// <summary>How a case ended.</summary>
internal enum FuzzOutcomeKind
{
    /// <summary>The file was used, and gave a result.</summary>
    Result,

    /// <summary>The file was opened, and is too large to run here.</summary>
    Opened,

    /// <summary>The file was refused with a <see cref="BitisException"/>.</summary>
    Refused,

    /// <summary>Something else: a defect.</summary>
    Fault,
}
