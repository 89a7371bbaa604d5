using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Normalization;

/// <summary>A form of the backward pass of the normalization of rows; see <see cref="RowNormGradient"/>.</summary>
internal sealed unsafe class RowNormGradientKernel(
    InstructionSet instructionSet, delegate*<in RowNormGradientCall, int, void> run)
    : Kernel("f32-rownorm-gradient", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="RowNormGradient.Run"/>.</summary>
    public delegate*<in RowNormGradientCall, int, void> Run { get; } = run;
}
