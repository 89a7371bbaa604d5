using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Hadamard;

/// <summary>A form of the transform along the tokens; see <see cref="TokenHadamard"/>.</summary>
internal sealed unsafe class TokenHadamardKernel(InstructionSet instructionSet, delegate*<in TokenHadamardCall, void> run)
    : Kernel("f32-token-hadamard", tile: null, instructionSet)
{
    /// <summary>The argument of <see cref="TokenHadamard.Run"/>.</summary>
    public delegate*<in TokenHadamardCall, void> Run { get; } = run;
}
