using Bitis.Kernels.Dispatch;

namespace Bitis.KernelHarness;

/// <summary>A case whose forms are the rows of one table.</summary>
internal abstract record KernelCaseOfTable<TKernel> : KernelCase
    where TKernel : Kernel
{
    private readonly KernelTable<TKernel> _table;
    private Action<TKernel>? _run;

    private protected KernelCaseOfTable(KernelTable<TKernel> table) => _table = table;

    /// <summary>A copy makes operands of its own.</summary>
    protected KernelCaseOfTable(KernelCaseOfTable<TKernel> original)
        : base(original) => _table = original._table;

    internal override IReadOnlyList<Kernel> Rows => _table.Rows;

    internal override void Run(Kernel form)
    {
        Prepare();
        _run!((TKernel)form);
    }

    /// <summary>Makes the operands.</summary>
    /// <returns>What runs a form on them.</returns>
    private protected abstract Action<TKernel> CreateRun();

    private protected override void Prepare() => _run ??= CreateRun();

    private protected override void Forget() => _run = null;
}
