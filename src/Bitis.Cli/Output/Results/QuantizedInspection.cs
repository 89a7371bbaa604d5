using Bitis.Cli.Output.Parts;
using Bitis.Quantization.Calibration;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis inspect</c> for a quantized model.</summary>
internal sealed record QuantizedInspection(
    string File,
    long FileBytes,
    ModelSummary Model,
    Recipe Recipe,
    CalibrationDigest Calibration,
    IReadOnlyList<LayerSummary> Layers,
    int Scans,
    IReadOnlyList<TensorLine>? Tensors,
    IReadOnlyList<NodeLine>? Nodes) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        double share = (double)FileBytes / (Model.Parameters * sizeof(float));
        report.Fields(
        [
            ("file", $"{File}, {Format.Bytes(FileBytes)}: {Format.Percent(share)} of float32"),
            ("format", "quantized model"),
            .. Model.Fields(),
            ("method", InWords.Of(Recipe)),
            ("layers", LayerSummary.Describe(Layers)),
            ("scans", InWords.OfScans(Scans, Recipe)),
            ("calibration", $"{DisplayText.Count(Calibration.Images, "image")}, SHA-256 "
                + $"{string.Concat(Calibration.Sha256.Take(16))}..."),
        ]);
        TensorLine.Describe(report, Tensors);
        NodeLine.Describe(report, Nodes);
    }
}
