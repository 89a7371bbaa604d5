using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Convolution;

/// <summary>A form of the backward pass of the causal convolution; see <see cref="CausalConvGradient"/>.</summary>
internal sealed unsafe class CausalConvGradientKernel(
    InstructionSet instructionSet, delegate*<in CausalConvGradientCall, int, void> run)
    : Kernel("f32-causalconv-gradient", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="CausalConvGradient.Run"/>.</summary>
    public delegate*<in CausalConvGradientCall, int, void> Run { get; } = run;
}
