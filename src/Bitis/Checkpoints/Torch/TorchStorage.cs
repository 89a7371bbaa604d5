namespace Bitis.Checkpoints.Torch;

/// <summary>A storage that tensors are views of; its bytes stay in the file until a tensor is read.</summary>
/// <param name="Type">The class of the storage.</param>
/// <param name="Bytes">Where the elements lie.</param>
internal sealed record TorchStorage(TorchStorageType Type, StoredBytes Bytes);
