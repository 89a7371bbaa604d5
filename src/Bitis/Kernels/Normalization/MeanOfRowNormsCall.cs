namespace Bitis.Kernels.Normalization;

/// <summary>The operands of a <see cref="MeanOfRowNorms"/> over <c>[rows, columns]</c>.</summary>
internal unsafe struct MeanOfRowNormsCall
{
    /// <summary>How many rows there are.</summary>
    public int Rows;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The rows.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/> in elements.</summary>
    public nint SourceStride;

    /// <summary>For each row its row of <see cref="Source"/>; or null for the same.</summary>
    public int* RowMap;

    /// <summary><c>[columns]</c></summary>
    public float* Weight;

    /// <summary><c>[columns]</c></summary>
    public float* Bias;

    /// <summary>Added to the variance before the root.</summary>
    public float Epsilon;

    /// <summary>The result, <c>[columns]</c>.</summary>
    public float* Mean;
}
