using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Activations;

/// <summary>A form of <see cref="PositiveMask"/>.</summary>
internal sealed unsafe class PositiveMaskKernel(
    InstructionSet instructionSet,
    delegate*<float*, ushort*, int, void> write,
    delegate*<float*, ushort*, float*, int, bool, void> apply)
    : Kernel("f32-positive-mask", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="PositiveMask.Write"/>.</summary>
    public delegate*<float*, ushort*, int, void> Write { get; } = write;

    /// <summary>The arguments of <see cref="PositiveMask.Apply"/>.</summary>
    public delegate*<float*, ushort*, float*, int, bool, void> Apply { get; } = apply;
}
