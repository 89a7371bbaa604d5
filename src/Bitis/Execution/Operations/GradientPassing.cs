namespace Bitis.Execution.Operations;

/// <summary>What the gradient of an operation's inputs is to that of its output, where it is nearly the same.</summary>
internal enum GradientPassing
{
    /// <summary>Something else.</summary>
    None,

    /// <summary>The same: both may lie in one place.</summary>
    Unchanged,

    /// <summary>Each element a multiple of it: it may take its place, where nobody else has that.</summary>
    Scaled,
}
