using System.Runtime.Intrinsics;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Dispatch;

/// <summary>
/// All forms of one operation, best first. The dispatcher, the tests and the benchmarks enumerate it.
/// </summary>
/// <param name="rows">The forms, best first; the last one is portable.</param>
internal sealed class KernelTable<TKernel>(params TKernel[] rows)
    where TKernel : Kernel
{
    private TKernel? _best;

    /// <summary>All forms, best first.</summary>
    public IReadOnlyList<TKernel> Rows => rows;

    /// <summary>The forms that this machine can run, best first.</summary>
    public IEnumerable<TKernel> Runnable => rows.Where(row => row.IsSupported);

    /// <summary>
    /// The form to use: the one that <c>BITIS_KERNEL</c> names, else the first that machine and <c>BITIS_ISA</c> allow.
    /// </summary>
    /// <exception cref="BitisException">The value of one of the variables is invalid.</exception>
    public TKernel Best => _best ??= Choose(KernelTables.Forced, InstructionSets.Current);

    /// <summary>The table of an operation that is written once: a form for each width of vectors.</summary>
    public static KernelTable<TKernel> ForLanes<TOperation>()
        where TOperation : ILanesOperation<TKernel>
    {
        GC.KeepAlive(new ConstructedOperation());
        return new(
            TOperation.Form<Lanes512>(InstructionSet.Avx512),
            TOperation.Form<Lanes256>(InstructionSet.Avx2),
            Vector128.IsHardwareAccelerated
                ? TOperation.Form<Lanes128>(InstructionSet.Portable)
                : TOperation.Form<Lane1>(InstructionSet.Portable));
    }

    /// <summary>The form that a set of forced names and an instruction set select.</summary>
    internal TKernel Choose(IReadOnlyCollection<string> forced, InstructionSet allowed) =>
        Runnable.FirstOrDefault(row => forced.Contains(row.Name))
        ?? Runnable.First(row => row.InstructionSet <= allowed);
}
