using Bitis.Tensors;

namespace Bitis.Checkpoints.Safetensors;

/// <summary>A tensor for <see cref="SafetensorsWriter"/>.</summary>
/// <param name="Name">The name; unique in its file.</param>
/// <param name="DType">The type of the elements.</param>
/// <param name="Shape">The sizes of the dimensions.</param>
/// <param name="Bytes">The elements: row-major, little-endian, as many as the shape takes.</param>
internal sealed record SafetensorsTensor(string Name, DType DType, Shape Shape, ReadOnlyMemory<byte> Bytes);
