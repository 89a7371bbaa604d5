using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Normalization;

/// <summary>A form of the normalization of rows; see <see cref="RowNorm"/>.</summary>
internal sealed unsafe class RowNormKernel(InstructionSet instructionSet, delegate*<in RowNormCall, int, int, void> run)
    : Kernel("f32-rownorm", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="RowNorm.Run"/>.</summary>
    public delegate*<in RowNormCall, int, int, void> Run { get; } = run;
}
