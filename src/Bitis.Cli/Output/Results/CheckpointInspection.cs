using Bitis.Checkpoints;
using Bitis.Cli.Output.Parts;

namespace Bitis.Cli.Output.Results;

/// <summary>What <c>bitis inspect</c> found in a checkpoint.</summary>
internal sealed record CheckpointInspection(
    string File,
    long FileBytes,
    CheckpointFormat Format,
    string WeightsKey,
    IReadOnlyList<string> OtherWeightsKeys,
    ModelSummary Model,
    IReadOnlyList<string> Assumptions,
    IReadOnlyDictionary<string, string> Notes,
    IReadOnlyList<string> MissingTensors,
    IReadOnlyList<string> UnexpectedTensors,
    IReadOnlyList<string> MisshapedTensors,
    IReadOnlyList<string> UnusableTensors,
    IReadOnlyList<string> NonFiniteTensors,
    IReadOnlyList<TensorLine>? Tensors,
    IReadOnlyList<NodeLine>? Nodes) : ICommandResult
{
    private const int MostLines = 100;

    /// <inheritdoc />
    public void Describe(Report report)
    {
        string weights = WeightsKey.Length == 0 ? "at the top level" : $"under '{WeightsKey}'";
        if (OtherWeightsKeys.Count > 0)
            weights += $"; also under {InWords.Of([.. OtherWeightsKeys.Select(NameOfKey)])} (--weights-key)";
        report.Fields(
        [
            ("file", $"{File}, {Output.Format.Bytes(FileBytes)}"),
            ("format", Format switch
            {
                CheckpointFormat.Safetensors => "safetensors",
                CheckpointFormat.TorchZip => "PyTorch (zip)",
                _ => "PyTorch (before 1.6)",
            }),
            ("weights", weights),
            .. Model.Fields(),
            .. Assumptions.Select(assumption => ("assumed", (string?)assumption)),
            .. Shown(Notes.Select(note => (note.Key, (string?)note.Value)), Notes.Count, "notes"),
            .. Problem("missing", MissingTensors),
            .. Problem("wrong shape", MisshapedTensors),
            .. Problem("not usable", UnusableTensors),
            .. Problem("not finite", NonFiniteTensors),
            .. Problem("left over", UnexpectedTensors),
        ]);
        if (MissingTensors.Count + MisshapedTensors.Count + UnusableTensors.Count + NonFiniteTensors.Count == 0)
            report.Line("All weights are there, in their shapes, and finite.");
        TensorLine.Describe(report, Tensors);
        NodeLine.Describe(report, Nodes);
    }

    private static IEnumerable<(string Name, string? Value)> Problem(string name, IReadOnlyList<string> tensors) =>
        Shown(tensors.Select(tensor => (name, (string?)tensor)), tensors.Count, name);

    /// <summary>A damaged file may have a million of them.</summary>
    private static IEnumerable<(string Name, string? Value)> Shown(
        IEnumerable<(string Name, string? Value)> lines, int count, string name) =>
        count <= MostLines
            ? lines
            : lines.Take(MostLines).Append((name, $"and {count - MostLines} more (--json has all)"));

    private static string NameOfKey(string key) => key.Length == 0 ? "the top level" : $"'{key}'";
}
