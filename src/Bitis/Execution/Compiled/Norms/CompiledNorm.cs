using Bitis.Execution.Operations.Norms;
using Bitis.Execution.Planning;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Compiled.Norms;

/// <summary>RMS or layer normalization of each token, with the addition to the residual stream before it.</summary>
/// <param name="name">The node.</param>
/// <param name="x">
/// What is normalized; or, with a residual, what is added to it first, which may have an index map.
/// </param>
/// <param name="residual">The residual stream, updated in place; or null.</param>
/// <param name="y">The output.</param>
/// <param name="weight"><c>[channels]</c></param>
/// <param name="bias"><c>[channels]</c>; null for RMS normalization.</param>
/// <param name="epsilon">ε.</param>
internal sealed class CompiledNorm(
    string name, ArenaMatrix x, ArenaMatrix? residual, ArenaMatrix y, FloatTensor weight, FloatTensor? bias,
    float epsilon) : CompiledOperation(name)
{
    public override string Kind => residual is null ? "norm" : "add + norm";

    public override int Units => y.Rows;

    public override ArenaMatrix? Rows => y;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        RowNormCall call = NormOperation.Call(arena, x, y, weight, bias, epsilon);
        call.Residual = residual is { } stream ? stream.Pointer(arena) : null;
        call.ResidualStride = residual?.Stride ?? 0;
        call.AccumulateResidual = true;
        if (x.RowMap is null)
        {
            RowNorm.Run(in call, start, end);
        }
        else
        {
            float* first = call.Source;
            for (int row = start; row < end; row++)
            {
                call.Source = first + ((x.Place(row) - row) * call.SourceStride);
                RowNorm.Run(in call, row, row + 1);
            }
        }
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
    }
}
