using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Runtime.Kernels;

/// <summary>The mean over the rows of what <see cref="RowNorm"/> makes of them, which nobody needs to keep.</summary>
internal static unsafe class MeanOfRowNorms
{
    /// <summary>Normalizes the rows one after the other and takes their mean.</summary>
    /// <param name="norm">The normalization, without a residual stream; its target is room for one row.</param>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="rowMap">For each row its row of the source; null for the same.</param>
    /// <param name="mean"><c>[columns]</c></param>
    public static void Run(RowNormCall norm, int rows, int[]? rowMap, float* mean)
    {
        var sum = new Span<float>(mean, norm.Columns);
        var row = new ReadOnlySpan<float>(norm.Target, norm.Columns);
        float* first = norm.Source;
        sum.Clear();
        for (int i = 0; i < rows; i++)
        {
            norm.Source = first + ((rowMap is null ? i : rowMap[i]) * norm.SourceStride);
            RowNorm.Run(in norm, 0, 1);
            TensorPrimitives.Add(sum, row, sum);
        }
        TensorPrimitives.Divide(sum, rows, sum);
    }
}
