using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Activations;

/// <summary>A form of a function that is applied to each element of an array, and of its backward pass.</summary>
internal sealed unsafe class ElementwiseKernel(
    string operation,
    InstructionSet instructionSet,
    delegate*<float*, float*, nint, void> run,
    delegate*<float*, float*, float*, nint, void> backward)
    : Kernel(operation, tile: null, instructionSet)
{
    /// <summary>Arguments: source, target (may be the source), count.</summary>
    public delegate*<float*, float*, nint, void> Run { get; } = run;

    /// <summary>x̄ = ȳ·f'(x). Arguments: x, ȳ, x̄ (may be either of them), count.</summary>
    public delegate*<float*, float*, float*, nint, void> Backward { get; } = backward;
}
