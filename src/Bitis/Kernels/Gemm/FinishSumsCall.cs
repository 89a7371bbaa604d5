namespace Bitis.Kernels.Gemm;

/// <summary>The operands of <see cref="FinishSums"/>.</summary>
internal unsafe struct FinishSumsCall
{
    /// <summary>The sums <c>[rows, columns]</c>.</summary>
    public int* Sums;

    /// <summary>The distance of their rows in elements.</summary>
    public nint SumsStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The sum of each column's weights.</summary>
    public int* ColumnSums;

    /// <summary>The zero point of the input.</summary>
    public int ZeroPoint;

    /// <summary>The scale of the input.</summary>
    public float Scale;

    /// <summary>The weight scale of each column.</summary>
    public float* Scales;

    /// <summary>The bias of each column.</summary>
    public float* Bias;

    /// <summary>Whether negative values become 0.</summary>
    public bool Rectify;

    /// <summary>The values <c>[rows, columns]</c>; null for levels.</summary>
    public float* Values;

    /// <summary>The levels <c>[rows, columns]</c>, where there are no values.</summary>
    public byte* Levels;

    /// <summary>The distance of rows of the output in elements.</summary>
    public nint TargetStride;

    /// <summary>1 / the scale of the levels.</summary>
    public float InverseScale;

    /// <summary>The level of the value 0.</summary>
    public int LevelOfZero;

    /// <summary>The largest level.</summary>
    public int MaxLevel;
}
