namespace Bitis.Cli;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCodes
{
    /// <summary>The command succeeded.</summary>
    public const int Success = 0;

    /// <summary>An internal fault: a defect of Bitis.</summary>
    public const int InternalFault = 1;

    /// <summary>
    /// The input or options cannot be used, a resource is missing (memory, disk, open files), or the user cancelled.
    /// </summary>
    public const int BadInput = 2;
}
