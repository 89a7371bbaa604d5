using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Activations;

/// <summary>A form of the gate and its backward pass; see <see cref="Gate"/>.</summary>
internal sealed unsafe class GateKernel(
    InstructionSet instructionSet,
    delegate*<float*, float*, float, float*, nint, void> forward,
    delegate*<float*, float*, float*, float*, float*, nint, void> backward)
    : Kernel("f32-gate", tile: null, instructionSet)
{
    /// <summary>Arguments: x, z, factor, y (may be x), count.</summary>
    public delegate*<float*, float*, float, float*, nint, void> Forward { get; } = forward;

    /// <summary>Arguments: x, z, ȳ, x̄, z̄, count.</summary>
    public delegate*<float*, float*, float*, float*, float*, nint, void> Backward { get; } = backward;
}
