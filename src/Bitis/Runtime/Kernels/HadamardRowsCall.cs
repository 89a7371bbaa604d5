namespace Bitis.Runtime.Kernels;

/// <summary>The operands of <see cref="HadamardRows"/>: <c>source[rows, columns]</c> to <c>target[rows, columns]</c>.</summary>
internal unsafe struct HadamardRowsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>The length of a transformed block: 1 for none, 2, 4, 8 or 16; it divides the columns.</summary>
    public int Order;

    /// <summary>The levels, each plus <see cref="HadamardRows.ZeroPoint"/>.</summary>
    public byte* Target;

    /// <summary>The distance of target rows in bytes: <see cref="HadamardRows.Padded"/> columns, which are all written.</summary>
    public nint TargetStride;

    /// <summary>The distance of levels of row r, at <c>r·ScaleStride</c>; see there.</summary>
    public float* Scales;

    /// <summary>1: the scale of each row is found from its largest value, and written. 0: one scale, given, for all rows.</summary>
    public int ScaleStride;

    /// <summary>The largest level: 7 for 4 bits, 127 for 8.</summary>
    public int MaxLevel;

    /// <summary>How values become levels.</summary>
    public LevelRounding Rounding;

    /// <summary>The key of the random numbers; element (r, c) has the counter <c>r·Padded(Columns) + c</c>.</summary>
    public uint Key;

    /// <summary>Room for a transformed row of <see cref="HadamardRows.Padded"/> columns.</summary>
    public float* Row;
}
