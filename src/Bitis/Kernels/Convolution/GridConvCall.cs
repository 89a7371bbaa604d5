using Bitis.Kernels.Gemm;

namespace Bitis.Kernels.Convolution;

/// <summary>The operands of a <see cref="GridConv"/>.</summary>
internal unsafe struct GridConvCall
{
    /// <summary>H, the rows of the input's grid.</summary>
    public int Height;

    /// <summary>W, its columns.</summary>
    public int Width;

    /// <summary>The columns of the output's grid.</summary>
    public int OutWidth;

    /// <summary>K, the side of the square filter.</summary>
    public int KernelSize;

    /// <summary>S, the distance of neighboring places.</summary>
    public int Stride;

    /// <summary>P, the zeros around the grid.</summary>
    public int Padding;

    /// <summary>Whether negative outputs become 0.</summary>
    public bool Rectify;

    /// <summary>The inputs, whose channels are the filter's, one after the other.</summary>
    public GridConvPart* Parts;

    /// <summary>The number of <see cref="Parts"/>.</summary>
    public int PartCount;

    /// <summary>Zeros, at least as many as the widest part has channels.</summary>
    public float* Zeros;

    /// <summary>The filter as a matrix, <c>[outputs, K², channels]</c>, packed for the kernel, and the bias.</summary>
    public PackedFloatWeights Weights;

    /// <summary>The output <c>[places, outputs]</c>; must not overlap the inputs.</summary>
    public float* Target;

    /// <summary>The distance of its rows in elements.</summary>
    public nint TargetStride;
}
