namespace Bitis.Runtime.Kernels;

/// <summary>The operands of a <see cref="DepthwiseConvGradient"/>. Gradients of parameters add to their target.</summary>
internal unsafe struct DepthwiseConvGradientCall
{
    /// <summary>The operands of the forward convolution; its outputs are not read.</summary>
    public DepthwiseConvCall Forward;

    /// <summary>∂L/∂y <c>[H·W, E]</c>.</summary>
    public float* OutputGradient;

    /// <summary>The distance of rows of <see cref="OutputGradient"/>.</summary>
    public nint OutputGradientStride;

    /// <summary>∂L/∂x <c>[H·W, E]</c>.</summary>
    public float* SourceGradient;

    /// <summary>The distance of rows of <see cref="SourceGradient"/>.</summary>
    public nint SourceGradientStride;

    /// <summary>Add to what <see cref="SourceGradient"/> holds.</summary>
    public bool AccumulateSource;

    /// <summary>∂L/∂w in the packed form <c>[K², E]</c>, rows at the distance of the forward's weights.</summary>
    public float* WeightGradient;

    /// <summary>∂L/∂b <c>[E]</c>; required if the forward has a bias.</summary>
    public float* BiasGradient;

    /// <summary><see cref="DepthwiseConvGradient.ScratchLength"/> elements.</summary>
    public float* Scratch;
}
