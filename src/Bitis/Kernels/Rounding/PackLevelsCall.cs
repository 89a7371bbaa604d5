namespace Bitis.Kernels.Rounding;

/// <summary>
/// The operands of <see cref="PackLevels"/>: <c>source[rows, columns]</c> to panels
/// <c>[columns/width][groups][width][4]</c>.
/// </summary>
internal unsafe struct PackLevelsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The rows, which the product sums over.</summary>
    public int Rows;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>
    /// Groups of four rows, at least as many as the rows need; rows that are missing get the level 0.
    /// </summary>
    public int Groups;

    /// <summary>The panels.</summary>
    public byte* Target;

    /// <summary>The width of a panel.</summary>
    public int PanelColumns;

    /// <summary>The width of all panels together. Values beyond <see cref="Columns"/> are not written.</summary>
    public int PaddedColumns;

    /// <summary>What is subtracted from each column first; null for nothing.</summary>
    /// <remarks>Not where levels are powers of two.</remarks>
    public float* Centers;

    /// <summary>1 / the distance of levels in each column; 0 for columns of zeros.</summary>
    /// <remarks>Values of a column, less its center, are at most <see cref="MaxLevel"/> times that distance.</remarks>
    public float* InverseScales;

    /// <summary>The largest level: 7 for 4 bits, 127 for 8.</summary>
    public int MaxLevel;

    /// <summary>How values become levels.</summary>
    public LevelRounding Rounding;

    /// <summary>The key of the random numbers.</summary>
    /// <remarks>Elements (r, c) and (r + 1, c) with even r share the counter <c>r·Columns + c</c>.</remarks>
    public uint Key;

    /// <summary>What is added to each level: 128 for unsigned bytes, 0 for signed ones.</summary>
    public int ZeroPoint;

    /// <summary>The sum of each column's levels, which a product needs of its weights; null for none.</summary>
    /// <remarks>Needed where values are rounded to nearest. Not written where levels are powers of two.</remarks>
    public int* ColumnSums;
}
