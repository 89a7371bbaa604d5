namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// The innermost product of <see cref="Int8Gemm"/>: a block of exact int32 sums that stays in registers.
/// </summary>
internal unsafe interface IInt8GemmTile
{
    /// <summary>The height of the block.</summary>
    static abstract int Rows { get; }

    /// <summary>The width of the block and of a panel of weights.</summary>
    static abstract int Columns { get; }

    /// <summary>Whether the tile needs the runs of a panel.</summary>
    static virtual bool UsesRuns => false;

    /// <summary>What the tile takes from each activation, so that it has a sign: 0 or 128.</summary>
    static virtual int Offset => 0;

    /// <summary>
    /// <c>sums[r, c] = Σ_k (a[r, k] − Offset)·panel[k/4, c, k%4]</c>, exact; a[r, k] lies at <c>a + r·lda + k/4·stride
    /// + k%4</c>.
    /// </summary>
    /// <param name="a">The first input row.</param>
    /// <param name="lda">The distance of input rows in bytes.</param>
    /// <param name="stride">The distance of neighbouring groups of four values of a row in bytes.</param>
    /// <param name="rows">How many rows exist (1 to <see cref="Rows"/>); the others' sums are arbitrary.</param>
    /// <param name="panel">The weights, <see cref="Columns"/> wide.</param>
    /// <param name="sums"><c>[Rows, Columns]</c></param>
    static abstract void Multiply(byte* a, nint lda, nint stride, int rows, in GemmPanel panel, int* sums);

    /// <summary>Finds the runs of a panel, and returns how many there are.</summary>
    /// <param name="panel"><c>[groups, Columns, 4]</c></param>
    /// <param name="groups">The number of groups of four values along K, possibly 0.</param>
    /// <param name="runs">Receives the runs; there is room for one a group.</param>
    static virtual int FindRuns(sbyte* panel, int groups, in PanelRuns runs) => 0;
}
