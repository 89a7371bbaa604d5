using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Hadamard;

/// <summary>
/// The operands of <see cref="HadamardRows"/>: <c>source[rows, columns]</c> to <c>target[rows, columns]</c>.
/// </summary>
internal unsafe struct HadamardRowsCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements, at least <see cref="Columns"/>.</summary>
    /// <remarks>A row that another one follows is read beyond its end.</remarks>
    public nint SourceStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>Whether blocks are transformed, or only rounded.</summary>
    public bool Transforms;

    /// <summary>The levels, each plus <see cref="HadamardRows.ZeroPoint"/>.</summary>
    public byte* Target;

    /// <summary>
    /// The distance of target rows in bytes: <see cref="HadamardRows.Padded"/> columns, which are all written.
    /// </summary>
    public nint TargetStride;

    /// <summary>The largest level: 7 for 4 bits, 127 for 8.</summary>
    public int MaxLevel;

    /// <summary>How values become levels.</summary>
    public LevelRounding Rounding;

    /// <summary>The key of the random numbers.</summary>
    /// <remarks>
    /// If ⌊c/16⌋ is even, element (r, c) has the first number of the counter <c>r·Padded(Columns) + c</c>. Else it has
    /// the second number of the element 16 columns before it.
    /// </remarks>
    public uint Key;

    /// <summary>
    /// Where transformed rows go, each of <see cref="HadamardRows.Padded"/> columns: row r at
    /// <c>r·TransformedStride</c>.
    /// </summary>
    public float* Transformed;

    /// <summary>
    /// The distance of transformed rows in elements; 0 if each overwrites the row before, after that is quantized.
    /// </summary>
    public nint TransformedStride;
}
