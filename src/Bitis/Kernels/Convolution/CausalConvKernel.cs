using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Convolution;

/// <summary>A form of the causal depthwise convolution; see <see cref="CausalConv"/>.</summary>
internal sealed unsafe class CausalConvKernel(
    InstructionSet instructionSet, delegate*<in CausalConvCall, int, int, void> run)
    : Kernel("f32-causalconv", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="CausalConv.Run"/>.</summary>
    public delegate*<in CausalConvCall, int, int, void> Run { get; } = run;
}
