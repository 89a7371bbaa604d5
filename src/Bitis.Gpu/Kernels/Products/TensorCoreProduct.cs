using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>Writes a linear layer on tensor cores: levels or halves, C[M, N] = A[M, K]·W[N, K]ᵀ.</summary>
/// <remarks>A block has a tile of the output, and A and W come in stages: <see cref="TensorCoreSums"/>.</remarks>
internal static class TensorCoreProduct
{
    /// <summary>Writes the kernel.</summary>
    public static PtxKernel Emit(LinearShape shape, ProductTile tile, PtxTarget target)
    {
        var w = new PtxWriter($"linear_{shape.EntryName}_{tile.Rows}x{tile.Columns}", tile.Threads)
        {
            HasFastFunctions = shape.Numbers == LinearNumbers.Halves || shape.Output == LinearOutput.Halves,
        };
        Register a = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Integer);
        var epilogue = new LinearEpilogue(w, shape, output);
        var sums = new TensorCoreSums(w, shape, tile);
        var group = LinearGroup.Find(w, shape, tile.Rows, rows, a, weights, epilogue);
        Register firstColumn = w.Multiply(w.Special("ctaid.x"), tile.Columns);
        sums.StreamInput(group.Input, group.FirstRow, rows);
        sums.StreamWeights(group.Weights, firstColumn);
        sums.Begin();
        sums.Multiply();
        sums.Finish(epilogue, rows, group.FirstRow, firstColumn);
        return w.Finish(target);
    }
}
