namespace Bitis.Runtime.Kernels;

/// <summary>A form of a function that is applied to each element of an array.</summary>
internal sealed unsafe class ElementwiseKernel(
    string operation, InstructionSet instructionSet, delegate*<float*, float*, nint, void> run)
    : Kernel(operation, tile: null, instructionSet)
{
    /// <summary>Arguments: source, target (may be the source), count.</summary>
    public delegate*<float*, float*, nint, void> Run { get; } = run;
}
