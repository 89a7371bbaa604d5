namespace Bitis.Kernels.Dispatch;

/// <summary>A form of an operation that threads share: each computes a range of its rows or channels.</summary>
/// <typeparam name="TCall">Its operands.</typeparam>
internal sealed unsafe class RangeKernel<TCall>(
    string operation, InstructionSet instructionSet, delegate*<in TCall, int, int, void> run)
    : Kernel(operation, tile: null, instructionSet)
    where TCall : struct
{
    /// <summary>Computes the range from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    public void Run(in TCall call, int start, int end) => run(in call, start, end);
}
