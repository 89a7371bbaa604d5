using Bitis.Quantization;
using Bitis.Quantization.Scans;

namespace Bitis.Reconstruction;

/// <summary>What an <see cref="ActivationStream"/> computes a segment with.</summary>
/// <param name="Weights">The float parameters, by name.</param>
/// <param name="Layers">The quantized layers, by the name of their node.</param>
/// <param name="Scans">The quantized scans, by the name of their node.</param>
internal sealed record StreamModel(
    IReadOnlyDictionary<string, FloatTensor> Weights, IReadOnlyDictionary<string, QuantizedLayer> Layers,
    IReadOnlyDictionary<string, QuantizedScan> Scans);
