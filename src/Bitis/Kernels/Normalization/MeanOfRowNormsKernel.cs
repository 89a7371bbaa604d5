using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Normalization;

/// <summary>A form of the mean of normalized rows; see <see cref="MeanOfRowNorms"/>.</summary>
internal sealed unsafe class MeanOfRowNormsKernel(InstructionSet instructionSet, delegate*<in MeanOfRowNormsCall, void> run)
    : Kernel("f32-meanofrownorms", tile: null, instructionSet)
{
    /// <summary>The argument of <see cref="MeanOfRowNorms.Run"/>.</summary>
    public delegate*<in MeanOfRowNormsCall, void> Run { get; } = run;
}
