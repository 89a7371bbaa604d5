using System.Diagnostics;
using System.Text.Json;
using Bitis.Cli;

namespace Bitis.Tests.Cli;

/// <summary>
/// Runs command lines: in this process where that is enough, in one of their own where signals matter.
/// </summary>
internal static class CliRunner
{
    /// <summary>Runs a command line in this process.</summary>
    public static CliOutcome Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = CommandLine.Run(arguments, new CliContext { Output = output, Error = error });
        return new CliOutcome(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command line with <c>--json</c> and reads its result.</summary>
    public static JsonElement RunJson(params string[] arguments)
    {
        CliOutcome outcome = Run([.. arguments, "--json"]).AssertSucceeded();
        return JsonDocument.Parse(outcome.Output).RootElement;
    }

    /// <summary>Starts the command in a process of its own, its output redirected.</summary>
    public static Process Start(params string[] arguments) => StartWith([], arguments);

    /// <summary>As <see cref="Start"/>, with some variables in its environment.</summary>
    public static Process StartWith(IEnumerable<(string Name, string Value)> environment, params string[] arguments) =>
        StartProgram("Bitis.Cli.dll", environment, arguments);

    /// <summary>Starts a program that lies beside the tests in a process of its own, its output redirected.</summary>
    public static Process StartProgram(
        string assembly, IEnumerable<(string Name, string Value)> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(IgnoresInterrupts() ? "env" : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (start.FileName == "env")
        {
            start.ArgumentList.Add("--default-signal=INT");
            start.ArgumentList.Add("dotnet");
        }
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>Whether a new process would ignore Ctrl-C, as those of jobs in the background do.</summary>
    private static bool IgnoresInterrupts()
    {
        const string status = "/proc/self/status", entry = "SigIgn:";
        const ulong interrupt = 1UL << 1;
        return File.Exists(status) && File.ReadLines(status).FirstOrDefault(line => line.StartsWith(entry)) is { } line
            && (Convert.ToUInt64(line[entry.Length..].Trim(), 16) & interrupt) != 0;
    }

    /// <summary>Waits for a process to end and collects what it wrote.</summary>
    public static CliOutcome Finish(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill();
            Assert.Fail("the command did not end within a minute");
        }
        return new CliOutcome(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>
    /// Runs a training, and cancels it as soon as its folder is there. A run that was too fast for that is repeated.
    /// </summary>
    /// <param name="folder">The training's folder.</param>
    /// <param name="command">The command.</param>
    /// <returns>Its messages.</returns>
    public static string StopTraining(string folder, params string[] command)
    {
        for (int attempt = 0; attempt < 50; attempt++)
        {
            using var source = new CancellationTokenSource();
            using var error = new StringWriter();
            var context = new CliContext { Output = TextWriter.Null, Error = error, Cancellation = source.Token };
            Task<int> run = Task.Run(() => CommandLine.Run(command, context));
            SpinWait.SpinUntil(() => Directory.Exists(folder) || run.IsCompleted);
            source.Cancel();
            if (run.Result == ExitCodes.BadInput)
                return error.ToString();
            Directory.Delete(folder, recursive: true);
        }
        throw new InvalidOperationException("No run was stopped.");
    }
}
