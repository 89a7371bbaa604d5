namespace Bitis.Kernels.Hadamard;

/// <summary>
/// The operands of <see cref="TokenHadamard"/>: <c>source[tokens, columns]</c> to
/// <c>target[blocks·rank + singles, columns]</c>.
/// </summary>
internal unsafe struct TokenHadamardCall
{
    /// <summary>The values.</summary>
    public float* Source;

    /// <summary>The distance of source rows in elements.</summary>
    public nint SourceStride;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>
    /// The source rows of each block, <see cref="TokenHadamard.BlockRows"/> for each; −1 stands for a row of zeros.
    /// </summary>
    public int* BlockRows;

    /// <summary>How many blocks there are.</summary>
    public int Blocks;

    /// <summary>Whether blocks are transformed, or their rows only copied.</summary>
    public bool Transforms;

    /// <summary>The rows of the transform that are kept, by their number in natural order.</summary>
    public byte* Kept;

    /// <summary>How many rows are kept.</summary>
    public int Rank;

    /// <summary>The factor of transformed rows: 1/4 makes the transform orthonormal.</summary>
    public float Factor;

    /// <summary>Source rows that are copied as they are; −1 stands for a row of zeros.</summary>
    public int* SingleRows;

    /// <summary>How many there are.</summary>
    public int Singles;

    /// <summary>The kept rows of the first block, of the second one, ..., then the single rows; or null.</summary>
    /// <remarks>Null if there are only single rows, of which only <see cref="Maxima"/> is needed.</remarks>
    public float* Target;

    /// <summary>The distance of target rows in elements.</summary>
    public nint TargetStride;

    /// <summary>The largest magnitude in each column of what the target holds.</summary>
    public float* Maxima;

    /// <summary>The single rows are added to these sums, one after the other; or null.</summary>
    /// <remarks>Only without a <see cref="Target"/>, and if <see cref="Columns"/> is a multiple of 16.</remarks>
    public float* Sums;
}
