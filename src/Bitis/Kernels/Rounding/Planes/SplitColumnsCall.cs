namespace Bitis.Kernels.Rounding.Planes;

/// <summary>
/// The operands of <see cref="SplitColumns"/>: <c>source[rows, columns]</c> to two planes of panels
/// <c>[columns/width][groups][width][4]</c>.
/// </summary>
internal unsafe struct SplitColumnsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The rows, which the product sums over.</summary>
    public int Rows;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>What each row is multiplied by first.</summary>
    public float* Factors;

    /// <summary>The width of a panel.</summary>
    public int PanelColumns;

    /// <summary>The width of all panels together. Values beyond <see cref="Columns"/> are not written.</summary>
    public int PaddedColumns;

    /// <summary>The panels of high parts; rows that a last group of four lacks get the level 0.</summary>
    public sbyte* High;

    /// <summary>The panels of low parts, as the high ones.</summary>
    public sbyte* Low;

    /// <summary>Receives the sum of each column's high parts.</summary>
    public int* HighSums;

    /// <summary>Receives the sum of each column's low parts.</summary>
    public int* LowSums;

    /// <summary>Receives the distance of levels of each column; 0 for columns of zeros.</summary>
    public float* Scales;
}
