using System.Diagnostics;

namespace Bitis.Tests.Packages;

/// <summary>Runs <c>dotnet</c> or another program in a process of its own.</summary>
internal static class DotnetCommand
{
    /// <summary>Much more than a busy machine needs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    /// <summary>Runs <c>dotnet</c> to its end; it must succeed.</summary>
    /// <param name="folder">The working directory.</param>
    /// <param name="arguments">The command.</param>
    /// <returns>What it wrote to the standard output.</returns>
    public static string Run(string folder, params string[] arguments) => RunProgram("dotnet", folder, arguments);

    /// <summary>Runs a program to its end; it must succeed.</summary>
    /// <param name="program">Its file, or a name that the system finds.</param>
    /// <param name="folder">The working directory.</param>
    /// <param name="arguments">What it is told.</param>
    /// <returns>What it wrote to the standard output.</returns>
    public static string RunProgram(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Servers that stay would keep files of the folder, and what the test's own build was told is not for this one.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {Limit}.");
        }
        Assert.True(
            process.ExitCode == 0,
            $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output.Result}\n{error.Result}");
        return output.Result;
    }
}
