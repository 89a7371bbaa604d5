using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;

namespace Bitis.Cli.Runtimes;

/// <summary>The result of <c>bitis inspect</c> for an exported model.</summary>
internal sealed record OnnxInspection(
    string File, long FileBytes, ModelSummary Model, Recipe? Recipe, long Opset, IReadOnlyList<string> Domains,
    int Operators, bool TakesBytes, IReadOnlyList<TensorLine>? Tensors, IReadOnlyList<NodeLine>? Nodes) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
        [
            ("file", $"{File}, {Format.Bytes(FileBytes)}"),
            ("format", Recipe is null ? "ONNX, float32" : "ONNX, quantized"),
            .. Model.Fields(),
            ("method", Recipe is null ? null : InWords.Of(Recipe)),
            ("input", TakesBytes ? "bytes, [batch, size, size, channels]" : "normalized pixels"),
            (
                "operators",
                $"{Operators:N0} of {string.Join(", ", Domains.Prepend($"opset {Opset}"))}"),
        ]);
        TensorLine.Describe(report, Tensors);
        NodeLine.Describe(report, Nodes);
    }
}
