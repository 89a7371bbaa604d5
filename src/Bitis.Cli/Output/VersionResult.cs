using Bitis.Data;

namespace Bitis.Cli.Output;

/// <summary>What <c>bitis version</c> found.</summary>
internal sealed record VersionResult(
    string Version,
    string Runtime,
    string System,
    int Processors,
    IReadOnlyList<string> InstructionSets,
    string InstructionSetInUse,
    IReadOnlyList<NativeImageLibrary> ImageLibraries) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report) => report.Fields(
    [
        ("bitis", Version),
        ("runtime", Runtime),
        ("system", System),
        ("processors", $"{Processors}"),
        ("instruction sets", $"{string.Join(", ", InstructionSets)}; in use: {InstructionSetInUse}"),
        .. ImageLibraries.Select(library =>
            ($"{library.Format} images", (string?)$"{library.Name} {(library.IsFound ? "found" : $"not found; install {library.Packages}")}")),
    ]);
}
