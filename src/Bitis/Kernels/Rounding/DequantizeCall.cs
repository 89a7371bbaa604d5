namespace Bitis.Kernels.Rounding;

/// <summary>
/// The operands of <see cref="Dequantize"/>: <c>source[tokens, columns]</c> to <c>target[tokens, columns]</c>.
/// </summary>
internal unsafe struct DequantizeCall
{
    /// <summary>The levels.</summary>
    public byte* Source;

    /// <summary>The distance of source rows in bytes.</summary>
    public nint SourceStride;

    /// <summary>The values.</summary>
    public float* Target;

    /// <summary>The distance of target rows in elements.</summary>
    public nint TargetStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The scale of each token.</summary>
    public float* Scales;

    /// <summary>The zero point of each token.</summary>
    public int* ZeroPoints;
}
