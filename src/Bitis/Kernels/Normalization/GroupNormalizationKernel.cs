using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Normalization;

/// <summary>A form of <see cref="GroupNormalization"/>.</summary>
internal sealed unsafe class GroupNormalizationKernel(InstructionSet instructionSet, delegate*<in GroupNormalizationCall, void> run)
    : Kernel("f32-groupnorm", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="GroupNormalization.Run"/>.</summary>
    public delegate*<in GroupNormalizationCall, void> Run { get; } = run;
}
