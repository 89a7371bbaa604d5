using Bitis.Kernels.Normalization;

namespace Bitis.Kernels.Convolution;

/// <summary>The operands of a <see cref="DepthwiseConvGradient"/>.</summary>
internal unsafe struct DepthwiseConvGradientCall
{
    /// <summary>The operands of the forward convolution; its outputs are not read.</summary>
    public DepthwiseConvCall Forward;

    /// <summary>The gradients; that of the source may be added to what is there.</summary>
    public LayerGradients Gradients;

    /// <summary><see cref="DepthwiseConvGradient.ScratchLength"/> elements.</summary>
    public float* Scratch;
}
