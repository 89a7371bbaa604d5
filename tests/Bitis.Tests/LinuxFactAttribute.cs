namespace Bitis.Tests;

/// <summary>
/// A test of what only Linux has: devices, pipes, signals to one process. Shows as skipped elsewhere.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute : FactAttribute
{
    /// <summary>Skips the test where the system is another one, or the user is root and must not be.</summary>
    public LinuxFactAttribute(bool asUser = false)
    {
        if (!OperatingSystem.IsLinux())
            Skip = "Devices, pipes and limits of processes are Linux's.";
        else if (asUser && Environment.IsPrivilegedProcess)
            Skip = "Root may write to everything.";
    }
}
