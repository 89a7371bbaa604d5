using Bitis.Kernels.Gemm;

namespace Bitis.Kernels.Convolution.Integer;

/// <summary>The operands of an <see cref="IntegerGridConv"/>.</summary>
internal unsafe struct IntegerGridConvCall
{
    /// <summary>H, the rows of the input's grid.</summary>
    public int Height;

    /// <summary>W, its columns.</summary>
    public int Width;

    /// <summary>The columns of the output's grid.</summary>
    public int OutWidth;

    /// <summary>S, the distance of neighboring places.</summary>
    public int Stride;

    /// <summary>P, the places around the grid.</summary>
    public int Padding;

    /// <summary>The inputs, whose channels are the filter's, one after the other.</summary>
    public LevelPart* Parts;

    /// <summary>The level of 0, as many times as a piece of the filter has bytes.</summary>
    public byte* Outside;

    /// <summary>The filter.</summary>
    public PackedGridWeights Weights;

    /// <summary>What becomes of the sums; sums and weights are filled in.</summary>
    public FinishSumsCall Finish;
}
