using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Scan;

/// <summary>A form of the backward pass of the selective scan; see <see cref="SelectiveScanGradient"/>.</summary>
internal sealed unsafe class SelectiveScanGradientKernel(
    InstructionSet instructionSet, delegate*<in SelectiveScanGradientCall, int, float*, void> run)
    : Kernel("f32-scan-gradient", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="SelectiveScanGradient.Run"/>.</summary>
    public delegate*<in SelectiveScanGradientCall, int, float*, void> Run { get; } = run;
}
