using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Convolution;

/// <summary>
/// The operands of a <see cref="DepthwiseConv"/> over a grid of tokens, <c>[height·width, channels]</c>. Strides are
/// distances of rows in elements.
/// </summary>
internal unsafe struct DepthwiseConvCall
{
    /// <summary>H, the rows of the grid.</summary>
    public int Height;

    /// <summary>W, the columns of the grid.</summary>
    public int Width;

    /// <summary>K, the side of the square filter; odd.</summary>
    public int KernelSize;

    /// <summary>Whether to leave the SiLU out, so that the output is the convolution alone.</summary>
    public bool SumsOnly;

    /// <summary>Add to what <see cref="Target"/> holds instead of overwriting it.</summary>
    public bool Accumulate;

    /// <summary>The input <c>[H·W, E]</c>.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>The weights as <see cref="CausalConv.PackWeights"/> leaves them, <c>[K², E]</c>.</summary>
    public float* Weights;

    /// <summary>The distance of rows of <see cref="Weights"/>; negative to rotate the filter by 180°.</summary>
    public nint WeightStride;

    /// <summary>The factors of sums of levels before the bias is added, <c>[E]</c>; null for values.</summary>
    /// <remarks>Only the forward pass takes it.</remarks>
    public float* Scales;

    /// <summary>The bias <c>[E]</c>, or null.</summary>
    public float* Bias;

    /// <summary>The output <c>[H·W, E]</c>; must not overlap the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;

    /// <summary>Copies of the output in other orders, for the scans in these orders.</summary>
    public DepthwiseConvCopy* Copies;

    /// <summary>The number of <see cref="Copies"/>.</summary>
    public int CopyCount;
}
