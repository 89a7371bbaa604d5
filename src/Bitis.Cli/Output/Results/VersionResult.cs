using Bitis.Cli.Output.Parts;
using Bitis.Imaging;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis version</c>.</summary>
internal sealed record VersionResult(
    string Version,
    string Runtime,
    string System,
    int Processors,
    IReadOnlyList<string> InstructionSets,
    string InstructionSetInUse,
    string? ImageLibrary,
    IReadOnlyList<GpuReport> Gpus,
    string? WhyNoGpu) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report) => report.Fields(
    [
        ("bitis", Version),
        ("runtime", Runtime),
        ("system", System),
        ("processors", $"{Processors}"),
        ("instruction sets", $"{string.Join(", ", InstructionSets)}; in use: {InstructionSetInUse}"),
        ("images", ImageLibrary ?? $"libvips cannot be loaded. {ImageDecoder.NativeLibraryHint}"),
        .. Gpus.Select((gpu, i) => (i == 0 ? "GPUs" : "", (string?)gpu.Describe())),
        ("GPUs", WhyNoGpu),
    ]);
}
