using Bitis.Tensors;

namespace Bitis.Checkpoints;

/// <summary>The directory entry of a tensor in a checkpoint.</summary>
/// <param name="Name">The parameter path, such as <c>layers.3.mixer.x_proj.weight</c>.</param>
/// <param name="DType">The type of the stored elements.</param>
/// <param name="Shape">The sizes of the dimensions.</param>
/// <param name="ByteLength">The size of the elements as stored, in bytes.</param>
internal sealed record CheckpointEntry(string Name, DType DType, Shape Shape, long ByteLength);
