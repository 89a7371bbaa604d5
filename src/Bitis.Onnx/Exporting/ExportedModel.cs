using Bitis.Onnx.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Exporting;

/// <summary>A model in the form of ONNX, before it is written.</summary>
/// <param name="Graph">Its graph.</param>
/// <param name="Metadata">What its file says about it.</param>
/// <param name="Domains">Domains of operators besides the standard one, with their versions.</param>
internal sealed record ExportedModel(
    GraphWriter Graph, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<(string Name, int Version)> Domains)
{
    /// <summary>How a runtime computes each of the quantized layers.</summary>
    public IReadOnlyList<LayerArithmetic> Layers { get; init; } = [];

    /// <summary>How many layers have weights of at most 4 bits.</summary>
    public int NarrowLayers { get; init; }

    /// <summary>How many scans are quantized.</summary>
    public int QuantizedScans { get; init; }
}
