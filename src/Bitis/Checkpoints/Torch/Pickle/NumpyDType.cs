namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The <c>numpy.dtype</c> of a scalar beside the weights.</summary>
/// <param name="name">NumPy's short name, such as <c>f8</c>.</param>
internal sealed class NumpyDType(string name)
{
    /// <summary>NumPy's short name.</summary>
    public string Name => name;

    /// <summary>Whether its values are big-endian.</summary>
    public bool IsBigEndian { get; set; }
}
