using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Imaging;
using Bitis.Kernels.Dispatch;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis version</c>: shows the version of Bitis and of its environment.</summary>
internal sealed class VersionCommand(CliContext context) : BitisCommand(
    "version",
    "Shows the versions of Bitis and .NET, the processor's instruction sets, the library that decodes images, "
        + "and the GPUs.",
    "bitis version --json",
    context)
{
    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        (IReadOnlyList<GpuReport> gpus, string? whyNone) = FindGpus();
        return new VersionResult(
            typeof(BitisException).Assembly
                .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            RuntimeInformation.FrameworkDescription,
            $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})",
            Environment.ProcessorCount,
            [.. InstructionSets.Detected.Select(InstructionSets.NameOf)],
            InstructionSets.NameOf(InstructionSets.Current),
            ImageDecoder.NativeLibrary,
            gpus,
            whyNone);
    }

    private static (IReadOnlyList<GpuReport> Gpus, string? WhyNone) FindGpus()
    {
        try
        {
            return (
                [.. NvidiaGpu.FindAll().Select(gpu => new GpuReport(
                    gpu.Name, gpu.MemoryBytes, gpu.ComputeCapability, gpu.DriverVersion, gpu.WhyNot))],
                null);
        }
        catch (BitisException e)
        {
            return ([], e.Message);
        }
    }
}
