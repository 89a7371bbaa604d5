namespace Bitis.Cli;

/// <summary>What the process returns to whoever started it.</summary>
internal static class ExitCodes
{
    /// <summary>The command did what it was asked to.</summary>
    public const int Success = 0;

    /// <summary>A defect of ours.</summary>
    public const int InternalFault = 1;

    /// <summary>
    /// The input or the options cannot be used, the system lacks something (memory, disk, open files), or the user
    /// cancelled.
    /// </summary>
    public const int BadInput = 2;
}
