using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Rounding;

/// <summary>A form of the rounding to centered levels; see <see cref="CenterLevels"/>.</summary>
internal sealed unsafe class CenterLevelsKernel(
    InstructionSet instructionSet, delegate*<in CenterLevelsCall, int, int, void> run)
    : Kernel("f32-centerlevels", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="CenterLevels.Run"/>.</summary>
    public delegate*<in CenterLevelsCall, int, int, void> Run { get; } = run;
}
