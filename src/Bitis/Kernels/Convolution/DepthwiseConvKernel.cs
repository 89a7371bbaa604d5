using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Convolution;

/// <summary>A form of the depthwise convolution over a grid; see <see cref="DepthwiseConv"/>.</summary>
internal sealed unsafe class DepthwiseConvKernel(
    InstructionSet instructionSet,
    delegate*<in DepthwiseConvCall, int, int, void> run,
    delegate*<in DepthwiseConvGradientCall, int, void> backward)
    : Kernel("f32-depthwiseconv", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="DepthwiseConv.Run"/>.</summary>
    public delegate*<in DepthwiseConvCall, int, int, void> Run { get; } = run;

    /// <summary>The arguments of <see cref="DepthwiseConvGradient.Run"/>.</summary>
    public delegate*<in DepthwiseConvGradientCall, int, void> Backward { get; } = backward;
}
