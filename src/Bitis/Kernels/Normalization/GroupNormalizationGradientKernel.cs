using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Normalization;

/// <summary>A form of <see cref="GroupNormalizationGradient"/>.</summary>
internal sealed unsafe class GroupNormalizationGradientKernel(InstructionSet instructionSet, delegate*<in GroupNormalizationGradientCall, void> run)
    : Kernel("f32-groupnorm-gradient", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="GroupNormalizationGradient.Run"/>.</summary>
    public delegate*<in GroupNormalizationGradientCall, void> Run { get; } = run;
}
