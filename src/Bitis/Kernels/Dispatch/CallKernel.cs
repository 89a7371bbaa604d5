namespace Bitis.Kernels.Dispatch;

/// <summary>A form of an operation that one thread computes.</summary>
/// <typeparam name="TCall">Its operands.</typeparam>
internal sealed unsafe class CallKernel<TCall>(
    string operation, InstructionSet instructionSet, delegate*<in TCall, void> run)
    : Kernel(operation, tile: null, instructionSet)
    where TCall : struct
{
    /// <summary>Computes the operation.</summary>
    public void Run(in TCall call) => run(in call);
}
