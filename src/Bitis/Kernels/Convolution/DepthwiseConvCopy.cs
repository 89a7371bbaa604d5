namespace Bitis.Kernels.Convolution;

/// <summary>A copy of the output of a <see cref="DepthwiseConv"/> with its tokens in another order.</summary>
internal unsafe struct DepthwiseConvCopy
{
    /// <summary>The copy.</summary>
    public float* Target;

    /// <summary>For each token of the grid, where its row in the copy starts, in elements.</summary>
    public int* Offsets;
}
