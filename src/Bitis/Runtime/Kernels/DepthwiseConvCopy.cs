namespace Bitis.Runtime.Kernels;

/// <summary>Where a <see cref="DepthwiseConv"/> writes its output once more, with the tokens in another order.</summary>
internal unsafe struct DepthwiseConvCopy
{
    /// <summary>The copy.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/> in elements.</summary>
    public nint Stride;

    /// <summary>For each token of the grid its row in the copy.</summary>
    public int* Rows;
}
