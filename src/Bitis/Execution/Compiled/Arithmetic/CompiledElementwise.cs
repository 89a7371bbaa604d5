using Bitis.Execution.Planning;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Compiled.Arithmetic;

/// <summary>A function of each element, in place where the input is the output.</summary>
internal sealed class CompiledElementwise(
    string name, string kind, ArenaMatrix x, ArenaMatrix y,
    KernelTable<ElementwiseKernel> forms) : CompiledOperation(name)
{
    public override string Kind => kind;

    public override int Units => y.Rows;

    public override ArenaMatrix? Rows => y;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        if (x.IsContiguous && y.IsContiguous)
        {
            forms.Best.Run(x.Pointer(arena, start), y.Pointer(arena, start), (nint)(end - start) * y.Columns);
            return;
        }
        for (int row = start; row < end; row++)
            forms.Best.Run(x.Pointer(arena, row), y.Pointer(arena, row), y.Columns);
    }
}
