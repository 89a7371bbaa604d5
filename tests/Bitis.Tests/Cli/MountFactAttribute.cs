using System.Diagnostics;

namespace Bitis.Tests.Cli;

/// <summary>
/// A test that needs a small file system of its own; skipped, visibly, where this process may not mount one.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> CanMount = new(TryMount);

    public MountFactAttribute()
    {
        if (!CanMount.Value)
            Skip = "mounting a tmpfs takes Linux, root, and a container that may mount";
    }

    /// <summary>Runs a system command; whether it succeeded.</summary>
    public static bool Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(command, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static bool TryMount()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            return false;
        string folder = Directory.CreateTempSubdirectory("bitis-mount-").FullName;
        try
        {
            return Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) && Run("umount", folder);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }
}
