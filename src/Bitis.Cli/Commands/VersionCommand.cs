using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Bitis.Cli.Output.Results;
using Bitis.Imaging;
using Bitis.Kernels.Dispatch;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis version</c>: what runs here, on what.</summary>
internal sealed class VersionCommand(CliContext context) : BitisCommand(
    "version",
    "Shows the versions of Bitis and .NET, the processor's instruction sets, and the library that decodes images.",
    "bitis version --json",
    context)
{
    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress) => new VersionResult(
        typeof(BitisException).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})",
        Environment.ProcessorCount,
        [.. InstructionSets.Detected.Select(InstructionSets.NameOf)],
        InstructionSets.NameOf(InstructionSets.Current),
        ImageDecoder.NativeLibrary);
}
