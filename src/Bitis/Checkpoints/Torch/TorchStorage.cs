namespace Bitis.Checkpoints.Torch;

/// <summary>A storage that tensors are views of; its bytes stay in the file until a tensor is read.</summary>
/// <param name="DType">The type of the elements; bytes for an untyped storage.</param>
/// <param name="Bytes">Where the elements lie.</param>
internal sealed record TorchStorage(DType DType, StoredBytes Bytes);
