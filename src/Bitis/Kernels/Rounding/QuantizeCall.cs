namespace Bitis.Kernels.Rounding;

/// <summary>
/// The operands of <see cref="Quantize"/>: <c>source[tokens, columns]</c> to <c>target[tokens, columns]</c>.
/// </summary>
internal unsafe struct QuantizeCall
{
    /// <summary>The values; NaN becomes 0.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The integers. Padding between the rows is not written.</summary>
    public byte* Target;

    /// <summary>The distance of target rows in bytes.</summary>
    public nint TargetStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The factor of each column, whose product is rounded before the next operation; null for none.</summary>
    public float* ColumnFactors;

    /// <summary>1 / scale of token m at <c>m·ParameterStride</c>.</summary>
    public float* InverseScales;

    /// <summary>The zero point of token m at <c>m·ParameterStride</c>.</summary>
    public int* ZeroPoints;

    /// <summary>1 for parameters per token, 0 for one set of them.</summary>
    public int ParameterStride;

    /// <summary>The largest integer: 255 for 8 bits, 15 for 4.</summary>
    public int MaxValue;
}
