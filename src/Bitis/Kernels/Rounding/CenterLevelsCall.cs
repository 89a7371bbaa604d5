namespace Bitis.Kernels.Rounding;

/// <summary>
/// The operands of <see cref="CenterLevels"/>: <c>source[tokens, columns]</c> to <c>target[tokens, columns]</c>.
/// </summary>
internal unsafe struct CenterLevelsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The centered levels; may be the source.</summary>
    public float* Target;

    /// <summary>The distance of target rows in elements.</summary>
    public nint TargetStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>1 / scale of each column.</summary>
    public float* InverseScales;

    /// <summary>The lowest level minus the zero point, of each column.</summary>
    public float* Lowest;

    /// <summary>The highest level minus the zero point, of each column.</summary>
    public float* Highest;
}
