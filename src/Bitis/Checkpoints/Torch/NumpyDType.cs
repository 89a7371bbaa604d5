namespace Bitis.Checkpoints.Torch;

/// <summary>A <c>numpy.dtype</c>, as scalars beside the weights carry one.</summary>
/// <param name="Name">NumPy's short name, such as <c>f8</c>.</param>
internal sealed record NumpyDType(string Name);
