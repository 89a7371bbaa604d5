namespace Bitis.Checkpoints.Torch;

/// <summary>A storage class of PyTorch, such as <c>torch.HalfStorage</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">The type of its elements: bytes for an untyped storage, null for one that is not read.</param>
/// <param name="BitSize">The size of an element in bits; null where it is not known.</param>
internal sealed record TorchStorageType(string Name, DType? DType, int? BitSize);
