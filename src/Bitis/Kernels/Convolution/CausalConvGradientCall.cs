using Bitis.Kernels.Normalization;

namespace Bitis.Kernels.Convolution;

/// <summary>The operands of a <see cref="CausalConvGradient"/>.</summary>
internal unsafe struct CausalConvGradientCall
{
    /// <summary>The operands of the forward convolution; its output is not read.</summary>
    public CausalConvCall Forward;

    /// <summary>The gradients; that of the source may be added to what is there.</summary>
    public LayerGradients Gradients;

    /// <summary>Scratch memory, <c>[L, channelEnd]</c>.</summary>
    public float* Sums;
}
