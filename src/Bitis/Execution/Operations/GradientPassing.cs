namespace Bitis.Execution.Operations;

/// <summary>How the gradient of an operation's inputs follows from that of its output, for sharing memory.</summary>
internal enum GradientPassing
{
    /// <summary>By a computation that needs memory of its own.</summary>
    None,

    /// <summary>The gradients are equal, so both may share memory.</summary>
    Unchanged,

    /// <summary>
    /// Each element is multiplied. The result may replace the output's gradient, if that is used nowhere else.
    /// </summary>
    Scaled,
}
