using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tensors;

namespace Bitis.Onnx.Exporting;

/// <summary>The SHA-256 of a file's metadata and weights, by which damage is found when it is opened again.</summary>
internal static class WeightsDigest
{
    public static string Of(
        IReadOnlyDictionary<string, string> metadata, IReadOnlyDictionary<string, FloatTensor> weights) =>
        ContentDigest.Of(
            metadata,
            weights.Select(pair => new SafetensorsTensor(
                pair.Key, DType.Float32, pair.Value.Shape, MemoryMarshal.AsBytes(pair.Value.Span).ToArray())));
}
