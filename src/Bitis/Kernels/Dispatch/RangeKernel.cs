namespace Bitis.Kernels.Dispatch;

/// <summary>A form of an operation that threads share: each computes a range of its rows or channels.</summary>
/// <typeparam name="TCall">Its operands.</typeparam>
/// <param name="operation">The operation.</param>
/// <param name="instructionSet">The instruction set that the form is named after.</param>
/// <param name="run">Computes a range.</param>
/// <param name="alsoNeeded">Another instruction set that the form needs.</param>
internal sealed unsafe class RangeKernel<TCall>(
    string operation,
    InstructionSet instructionSet,
    delegate*<in TCall, int, int, void> run,
    InstructionSet alsoNeeded = InstructionSet.Portable)
    : Kernel(operation, tile: null, instructionSet, alsoNeeded)
    where TCall : struct
{
    /// <summary>Computes the range from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    public void Run(in TCall call, int start, int end) => run(in call, start, end);
}
