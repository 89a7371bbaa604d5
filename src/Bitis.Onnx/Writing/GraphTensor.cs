using Onnx;

namespace Bitis.Onnx.Writing;

/// <summary>A tensor of a model whose bytes are not in its message yet.</summary>
/// <param name="Proto">Its name, type and shape.</param>
/// <param name="Bytes">Its bytes, little-endian.</param>
internal sealed record GraphTensor(TensorProto Proto, ReadOnlyMemory<byte> Bytes);
