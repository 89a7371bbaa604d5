using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Bitis.Kernels.Dispatch;

namespace Bitis.Cli.Output;

/// <summary>How a result was made: command, versions and machine.</summary>
/// <param name="Command">The command line, quoted for a shell.</param>
/// <param name="Version">The version of Bitis.</param>
/// <param name="Runtime">The version of .NET.</param>
/// <param name="System">The operating system.</param>
/// <param name="Processor">The processor's name; null if the system does not tell it.</param>
/// <param name="Processors">How many processors there are.</param>
/// <param name="InstructionSet">The instruction set of the kernels.</param>
/// <param name="Threads">How many threads may compute; null if the command has no choice.</param>
/// <param name="Date">The end of the run in UTC.</param>
internal sealed record RunRecord(
    string Command, string Version, string Runtime, string System, string? Processor, int Processors,
    string InstructionSet, int? Threads, string Date)
{
    private const string ProcessorFile = "/proc/cpuinfo", ProcessorLine = "model name";

    /// <summary>The record of this process.</summary>
    public static RunRecord Of(ParseResult arguments) => new(
        CommandText.Of(["bitis", .. arguments.Tokens.Select(token => token.Value)]),
        typeof(BitisException).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})",
        ProcessorName(),
        Environment.ProcessorCount,
        InstructionSets.NameOf(InstructionSets.Current),
        ThreadsOf(arguments),
        DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));

    /// <summary>Versions and machine in a line.</summary>
    public string Machine() => string.Join(", ", new[]
    {
        $"Bitis {Version}", Runtime, System,
        Processor is null
            ? DisplayText.Count(Processors, "processor")
            : $"{DisplayText.Count(Processors, "processor")} ({Processor})",
        InstructionSet, Threads is { } threads ? DisplayText.Count(threads, "thread") : null,
    }.OfType<string>());

    private static int? ThreadsOf(ParseResult arguments) =>
        arguments.CommandResult.Command.Options.FirstOrDefault(option => option.Name == "--threads") switch
        {
            System.CommandLine.Option<int?> option => ThreadCount.Resolve(arguments.GetValue(option) ?? 0),
            System.CommandLine.Option<int> option => ThreadCount.Resolve(arguments.GetValue(option)),
            _ => null,
        };

    private static string? ProcessorName()
    {
        try
        {
            return File.Exists(ProcessorFile)
                ? File.ReadLines(ProcessorFile)
                    .FirstOrDefault(line => line.StartsWith(ProcessorLine, StringComparison.Ordinal))
                    ?.Split(':', 2)[^1].Trim()
                : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // The machine stays without a name, and the result is as good.
        }
    }
}
