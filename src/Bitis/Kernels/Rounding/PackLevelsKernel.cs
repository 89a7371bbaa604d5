using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Rounding;

/// <summary>A form of quantization into panels; see <see cref="PackLevels"/>.</summary>
internal sealed unsafe class PackLevelsKernel(InstructionSet instructionSet, delegate*<in PackLevelsCall, void> run)
    : Kernel("f32s8-pack-levels", tile: null, instructionSet)
{
    /// <summary>The argument of <see cref="PackLevels.Run"/>.</summary>
    public delegate*<in PackLevelsCall, void> Run { get; } = run;
}
