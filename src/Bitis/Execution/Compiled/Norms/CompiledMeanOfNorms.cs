using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Compiled.Norms;

/// <summary>Computes the mean of each sequence's normalized tokens.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The sequences; may have index maps.</param>
/// <param name="y">The means, a row for each sequence.</param>
/// <param name="weight"><c>[channels]</c></param>
/// <param name="bias"><c>[channels]</c></param>
/// <param name="epsilon">ε.</param>
internal sealed class CompiledMeanOfNorms(
    string name, ArenaMatrix[] x, ArenaMatrix y, FloatTensor weight, FloatTensor bias,
    float epsilon) : CompiledOperation(name)
{
    // Sums run in the order of the sequence, wherever its tokens lie, so that they round as in the simulation.
    private readonly int[]?[] _rows = [.. x.Select(RowsOf)];

    public override string Kind => "mean of norms";

    public override int Units => x.Length;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        for (int i = start; i < end; i++)
        {
            fixed (int* rowMap = _rows[i])
            {
                MeanOfRowNorms.Run(
                    MeanOfNormsOperation.Call(arena, x[i], rowMap, weight, bias, epsilon, y.Pointer(arena, i)));
            }
        }
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
    }

    private static int[]? RowsOf(ArenaMatrix x) =>
        x.IsReversed && x.RowMap is null ? [.. Enumerable.Range(0, x.Rows).Reverse()] : x.RowMap;
}
