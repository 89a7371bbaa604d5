using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Bitis.Cli.Output;
using Bitis.Data.Codecs;
using Bitis.Runtime.Kernels;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis version</c>: what runs here, on what.</summary>
internal sealed class VersionCommand(CliContext context) : BitisCommand(
    "version",
    "Shows the versions of Bitis and .NET, the processor's instruction sets, and the image libraries found.",
    "bitis version --json",
    context)
{
    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress) => new Result(
        Version: typeof(BitisException).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        Runtime: RuntimeInformation.FrameworkDescription,
        System: $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})",
        Processors: Environment.ProcessorCount,
        InstructionSets: [.. InstructionSets.Detected.Select(InstructionSets.NameOf)],
        InstructionSetInUse: InstructionSets.NameOf(InstructionSets.Current),
        ImageLibraries: []);

    private sealed record Result(
        string Version,
        string Runtime,
        string System,
        int Processors,
        IReadOnlyList<string> InstructionSets,
        string InstructionSetInUse,
        IReadOnlyList<ImageLibrary> ImageLibraries) : ICommandResult
    {
        public void Describe(Report report) => report.Fields(
        [
            ("bitis", Version),
            ("runtime", Runtime),
            ("system", System),
            ("processors", $"{Processors}"),
            ("instruction sets", $"{string.Join(", ", InstructionSets)}; {InstructionSetInUse} in use"),
            .. ImageLibraries.Select(library =>
                ($"{library.Format} images", (string?)(library.IsFound ? $"{library.Name} found" : $"{library.Name} not found; install {library.Packages}"))),
        ]);
    }

    private sealed record ImageLibrary(string Format, string Name, bool IsFound, string Packages);
}
