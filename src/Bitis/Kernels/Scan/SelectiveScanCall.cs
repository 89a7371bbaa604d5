using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Scan;

/// <summary>
/// The operands of one direction of a <see cref="SelectiveScan"/> over <c>[tokens, channels]</c>. Strides are distances
/// of rows in elements.
/// </summary>
internal unsafe struct SelectiveScanCall
{
    /// <summary>L.</summary>
    public int Tokens;

    /// <summary>N, the length of a channel's hidden state; at most <see cref="SelectiveScan.MaxStates"/>.</summary>
    public int States;

    /// <summary>Visit the tokens from the last to the first.</summary>
    public bool Reverse;

    /// <summary>The input u <c>[L, E]</c>.</summary>
    public float* U;

    /// <summary>The distance of rows of <see cref="U"/>.</summary>
    public nint UStride;

    /// <summary>Δ <c>[L, E]</c>, before the softplus if <see cref="DeltaSoftplus"/>.</summary>
    public float* Delta;

    /// <summary>The distance of rows of <see cref="Delta"/>.</summary>
    public nint DeltaStride;

    /// <summary>Apply softplus to Δ. Without it Δ must not be negative.</summary>
    public bool DeltaSoftplus;

    /// <summary>A as <see cref="SelectiveScan.PackA"/> leaves it, <c>[N, E]</c>.</summary>
    public float* A;

    /// <summary>The distance of rows of <see cref="A"/>.</summary>
    public nint AStride;

    /// <summary>B <c>[L, N]</c>, the states of a token contiguous.</summary>
    public float* B;

    /// <summary>The distance of rows of <see cref="B"/>.</summary>
    public nint BStride;

    /// <summary>C <c>[L, N]</c>, the states of a token contiguous.</summary>
    public float* C;

    /// <summary>The distance of rows of <see cref="C"/>.</summary>
    public nint CStride;

    /// <summary>The skip weights D <c>[E]</c>, or null.</summary>
    public float* D;

    /// <summary>The gate z <c>[L, E]</c>, or null.</summary>
    public float* Z;

    /// <summary>The distance of rows of <see cref="Z"/>.</summary>
    public nint ZStride;

    /// <summary>The output y <c>[L, E]</c>.</summary>
    public float* Y;

    /// <summary>The distance of rows of <see cref="Y"/>.</summary>
    public nint YStride;

    /// <summary>
    /// The hidden states before every <see cref="CheckpointTokens"/> tokens; null if they are not needed.
    /// </summary>
    /// <remarks>
    /// Shape <c>[chunks, N]</c>, with rows at the distance of <see cref="AStride"/>. Chunks count in the order of the
    /// scan.
    /// </remarks>
    public float* Checkpoints;

    /// <summary>
    /// The distance of <see cref="Checkpoints"/>, a multiple of <see cref="SelectiveScan.ChunkTokens"/>.
    /// </summary>
    public int CheckpointTokens;

    /// <summary>Multiplies the output; 1 leaves it, 1/2 takes the mean of two directions.</summary>
    public float OutputScale;

    /// <summary>Add to what <see cref="Y"/> holds instead of overwriting it.</summary>
    public bool Accumulate;
}
