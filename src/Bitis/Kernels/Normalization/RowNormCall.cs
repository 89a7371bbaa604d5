namespace Bitis.Kernels.Normalization;

/// <summary>
/// The operands of a <see cref="RowNorm"/> over <c>[tokens, columns]</c>. Strides are distances of rows in elements.
/// </summary>
internal unsafe struct RowNormCall
{
    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The input.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>The residual stream, which takes the input and is what is normalized; or null.</summary>
    public float* Residual;

    /// <summary>The distance of rows of <see cref="Residual"/>.</summary>
    public nint ResidualStride;

    /// <summary>Add the input to the residual stream; false starts the stream with it.</summary>
    public bool AccumulateResidual;

    /// <summary>The normalized rows; may be the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;

    /// <summary><c>[columns]</c></summary>
    public float* Weight;

    /// <summary><c>[columns]</c>, or null.</summary>
    public float* Bias;

    /// <summary>Added to the mean square before the root.</summary>
    public float Epsilon;

    /// <summary>Subtract the mean first: LayerNorm; false is RMSNorm.</summary>
    public bool Center;
}
