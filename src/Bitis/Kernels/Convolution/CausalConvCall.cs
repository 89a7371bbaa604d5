namespace Bitis.Kernels.Convolution;

/// <summary>
/// The operands of a <see cref="CausalConv"/> over <c>[tokens, channels]</c>. Strides are distances of rows in
/// elements.
/// </summary>
internal unsafe struct CausalConvCall
{
    /// <summary>L.</summary>
    public int Tokens;

    /// <summary>K, the number of taps.</summary>
    public int Taps;

    /// <summary>
    /// Whether taps see later tokens instead of earlier ones: the convolution of the reversed sequence, in place.
    /// </summary>
    public bool Reverse;

    /// <summary>Whether to leave the SiLU out, so that the output is the convolution alone.</summary>
    public bool SumsOnly;

    /// <summary>Add to what <see cref="Target"/> holds instead of overwriting it.</summary>
    public bool Accumulate;

    /// <summary>The input <c>[L, E]</c>.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>For each token its row of <see cref="Source"/>, -1 for zeros; or null for the same.</summary>
    /// <remarks>Only the forward pass takes it.</remarks>
    public int* Rows;

    /// <summary>The weights as <see cref="CausalConv.PackWeights"/> leaves them, <c>[K, E]</c>.</summary>
    public float* Weights;

    /// <summary>The distance of rows of <see cref="Weights"/>.</summary>
    public nint WeightStride;

    /// <summary>The factors of sums of levels before the bias is added, <c>[E]</c>; null for values.</summary>
    /// <remarks>Only the forward pass takes it.</remarks>
    public float* Scales;

    /// <summary>The bias <c>[E]</c>, or null.</summary>
    public float* Bias;

    /// <summary>The output <c>[L, E]</c>; must not overlap the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;
}
