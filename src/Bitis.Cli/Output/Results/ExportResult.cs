using Bitis.Cli.Output.Parts;
using Bitis.Cli.Runtimes;
using Bitis.Onnx.Operators;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis export</c>.</summary>
/// <param name="Output">The file.</param>
/// <param name="Model">The model.</param>
/// <param name="Kind">The family and the number format.</param>
/// <param name="Opset">The version of ONNX's operators.</param>
/// <param name="FileBytes">The length of the file, and of a second one with weights.</param>
/// <param name="ModelBytes">The length of the model's own files.</param>
/// <param name="Layers">How a runtime computes the quantized layers; null if there are none.</param>
/// <param name="NarrowLayers">How many of them have weights of at most 4 bits.</param>
/// <param name="QuantizedScans">How many scans are quantized.</param>
/// <param name="Parity">The comparison; null if there was none.</param>
/// <param name="Unchecked">Why there was no comparison; null if there was one.</param>
internal sealed record ExportResult(
    string Output, string Model, string Kind, int Opset, long FileBytes, long ModelBytes, ArithmeticSummary? Layers,
    int NarrowLayers, int QuantizedScans, Parity? Parity, string? Unchecked) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report) => report.Fields(
        ("written", $"{Output}, {Format.Bytes(FileBytes)}; the model's own file has {Format.Bytes(ModelBytes)}"),
        ("model", $"{Model} ({Kind})"),
        ("operators", $"opset {Opset}"),
        ("layers", Layers?.Describe()),
        (
            "weights",
            NarrowLayers == 0 ? null
            : Opset >= WeightLevels.FirstOpset ? "4 bits each, which runtimes unpack when they load the file"
            : $"8 bits each; --opset {WeightLevels.FirstOpset} stores 4"),
        (
            "scans",
            QuantizedScans == 0
                ? null
                : $"{QuantizedScans} in floating point, on the integers of the quantized scan: no faster than float32"),
        ("parity", Unchecked ?? Parity!.Describe()),
        ("largest difference", Parity?.DescribeDifference()),
        ("latency", Parity?.DescribeLatency()),
        ("left out", Format.Undecodable(Parity?.Skipped ?? 0)));
}
