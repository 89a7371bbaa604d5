using Bitis.Quantization;
using Bitis.Quantization.Scans;

namespace Bitis.Reconstruction;

/// <summary>A quantized block.</summary>
/// <param name="Layers">Its quantized layers, by the name of their node.</param>
/// <param name="Scans">Its quantized scans, likewise.</param>
/// <param name="Record">The results of learning.</param>
internal sealed record ReconstructedBlock(
    Dictionary<string, QuantizedLayer> Layers, Dictionary<string, QuantizedScan> Scans, BlockRecord Record);
