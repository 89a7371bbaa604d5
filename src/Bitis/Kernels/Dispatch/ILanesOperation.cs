using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Dispatch;

/// <summary>An operation that is written once for vectors of any width (<see cref="ILanes{TSelf}"/>).</summary>
/// <remarks>
/// Operations are classes that nobody makes. They are no structs: the JIT prefers to inline methods of structs, and has
/// no budget left for the calls in the innermost loops.
/// </remarks>
/// <typeparam name="TKernel">Its rows in a table.</typeparam>
internal interface ILanesOperation<TKernel>
    where TKernel : Kernel
{
    /// <summary>The form for vectors of one width.</summary>
    static abstract TKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes>;
}
