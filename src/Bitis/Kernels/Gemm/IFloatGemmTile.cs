namespace Bitis.Kernels.Gemm;

/// <summary>The innermost product of <see cref="FloatGemm"/>: a block of outputs that stays in registers.</summary>
internal unsafe interface IFloatGemmTile
{
    /// <summary>The height of the block.</summary>
    static abstract int Rows { get; }

    /// <summary>The width of the block and of a panel of weights.</summary>
    static abstract int Columns { get; }

    /// <summary>
    /// <c>sums[r, c] = Σ_k a[r, k]·panel[k, c]</c>, each sum in the order of k with one multiply-add per step.
    /// </summary>
    /// <param name="a">The first input row.</param>
    /// <param name="lda">The distance of input rows in elements.</param>
    /// <param name="step">The distance of neighbours along k: 1, or the row length of a matrix that is read transposed.</param>
    /// <param name="rows">How many rows exist (1 to <see cref="Rows"/>); the others' sums are arbitrary.</param>
    /// <param name="columns">How many columns are wanted (1 to <see cref="Columns"/>); the others' sums are arbitrary.</param>
    /// <param name="panel"><c>[k, Columns]</c></param>
    /// <param name="k">The number of steps, possibly 0.</param>
    /// <param name="sums"><c>[Rows, Columns]</c></param>
    static abstract void Multiply(float* a, nint lda, nint step, int rows, int columns, float* panel, int k, float* sums);
}
