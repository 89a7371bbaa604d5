namespace Bitis.Kernels.Normalization;

/// <summary>The gradients that the backward pass of a layer with weights reads and writes.</summary>
/// <remarks>
/// They are matrices in the order of memory, one row a token. Gradients of parameters are added to their target.
/// </remarks>
internal unsafe struct LayerGradients
{
    /// <summary>∂L/∂y, which is read.</summary>
    public float* Output;

    /// <summary>The distance of rows of <see cref="Output"/>; 0 if all rows are the same.</summary>
    public nint OutputStride;

    /// <summary>∂L/∂x.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>Add to what <see cref="Source"/> holds.</summary>
    public bool AccumulateSource;

    /// <summary>∂L/∂w, as long as a row or in the packed form <c>[taps, channels]</c>.</summary>
    /// <remarks>Rows of the packed form have the distance of the forward's weights.</remarks>
    public float* Weight;

    /// <summary>∂L/∂b, as long as a row; required if the forward has a bias.</summary>
    public float* Bias;
}
