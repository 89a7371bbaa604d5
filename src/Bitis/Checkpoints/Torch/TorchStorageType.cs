namespace Bitis.Checkpoints.Torch;

/// <summary>A storage class of PyTorch, such as <c>torch.HalfStorage</c>.</summary>
/// <param name="DType">The type of its elements; bytes for an untyped storage.</param>
internal sealed record TorchStorageType(DType DType);
