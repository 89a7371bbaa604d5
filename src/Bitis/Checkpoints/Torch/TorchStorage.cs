namespace Bitis.Checkpoints.Torch;

/// <summary>A storage with tensors as views. Its bytes stay in the file until a tensor is read.</summary>
/// <param name="Type">The class of the storage.</param>
/// <param name="Bytes">The bytes of the elements.</param>
internal sealed record TorchStorage(TorchStorageType Type, StoredBytes Bytes);
