namespace Bitis.Checkpoints.Torch;

/// <summary>A storage class of PyTorch, such as <c>torch.HalfStorage</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">The type of its elements: bytes for an untyped storage, null for an unsupported type.</param>
/// <param name="BitSize">The size of an element in bits; null if unknown.</param>
internal sealed record TorchStorageType(string Name, DType? DType, int? BitSize);
