namespace Bitis.Kernels.Rounding.Planes;

/// <summary>The operands of <see cref="SplitRows"/>: <c>source[rows, columns]</c> to two planes.</summary>
internal unsafe struct SplitRowsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>What each column is multiplied by first.</summary>
    public float* Factors;

    /// <summary>The high parts, each plus <see cref="SplitRows.ZeroPoint"/>.</summary>
    public byte* High;

    /// <summary>The low parts, as the high ones.</summary>
    public byte* Low;

    /// <summary>The distance of rows of both planes in bytes.</summary>
    public nint TargetStride;

    /// <summary>Receives the distance of levels of each row; 0 for rows of zeros.</summary>
    public float* Scales;
}
