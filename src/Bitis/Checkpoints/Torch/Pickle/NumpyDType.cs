namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>A <c>numpy.dtype</c>, as scalars beside the weights carry one.</summary>
/// <param name="name">NumPy's short name, such as <c>f8</c>.</param>
internal sealed class NumpyDType(string name)
{
    /// <summary>NumPy's short name.</summary>
    public string Name => name;

    /// <summary>Whether the bytes of its values begin with the highest one.</summary>
    public bool IsBigEndian { get; set; }
}
