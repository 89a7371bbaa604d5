using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Dispatch;

/// <summary>An operation that is written once for vectors of any width (<see cref="ILanes{TSelf}"/>).</summary>
/// <remarks>
/// Operations are classes without objects. Structs would be slower: the JIT prefers to inline methods of structs, and
/// then has no budget left for the calls in the innermost loops.
/// </remarks>
/// <typeparam name="TKernel">Its rows in a table.</typeparam>
internal interface ILanesOperation<TKernel>
    where TKernel : Kernel
{
    /// <summary>The form for vectors of one width.</summary>
    static abstract TKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes>;
}
