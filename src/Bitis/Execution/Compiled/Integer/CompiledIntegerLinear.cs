using Bitis.Execution.Planning;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Computes a linear layer in integers.</summary>
/// <remarks>
/// Each row is quantized to unsigned levels. These are multiplied by signed levels to int32 sums, and the sums are
/// scaled back to float32.
/// </remarks>
/// <param name="name">The node.</param>
/// <param name="writer">
/// The operation that writes the input, which runs here; null if it has run. The operation disposes of it.
/// </param>
/// <param name="x">The input, <c>[tokens, in]</c>.</param>
/// <param name="y">The output, <c>[tokens, out]</c>.</param>
/// <param name="levels">Room for the input's levels: <see cref="LevelStride"/> bytes a row.</param>
/// <param name="weights">The weights.</param>
/// <param name="parameters">The input's scales and zero points.</param>
/// <param name="factors">
/// What the input's channels are multiplied by first; null for nothing. The operation disposes of it.
/// </param>
/// <param name="maxLevel">The input's largest level.</param>
internal sealed class CompiledIntegerLinear(
    string name,
    CompiledOperation? writer,
    ArenaMatrix x,
    ArenaMatrix y,
    ArenaBlock levels,
    PackedIntegerWeights weights,
    TokenParameterBuffers parameters,
    NativeBuffer<float>? factors,
    int maxLevel) : CompiledOperation(name,
    [.. ((IDisposable?[])[weights, parameters, factors, writer]).OfType<IDisposable>()])
{
    /// <summary>The elements of the input that are quantized at once: they stay in the nearest cache.</summary>
    private const int ElementsAtOnce = 4096;

    public override string Kind =>
        (writer is null ? "" : $"{writer.Kind} + ") + (weights.HasNibbles ? "linear int4" : "linear int8");

    public override int Units => x.Rows;

    /// <summary>The distance of rows of levels: a whole number of the four-byte groups that the kernels read.</summary>
    public static int LevelStride(int columns) => (columns + 3) / 4 * 4;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        byte* target = arena[levels];
        int stride = LevelStride(x.Columns);
        var call = new QuantizeCall
        {
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = target,
            TargetStride = stride,
            Columns = x.Columns,
            ColumnFactors = factors is null ? null : factors.Pointer,
            InverseScales = parameters.InverseScales,
            ZeroPoints = parameters.ZeroPoints,
            ParameterStride = parameters.Stride,
            MaxValue = maxLevel,
        };
        int rows = writer is null ? end - start : Math.Max(1, ElementsAtOnce / Math.Max(1, x.Columns));
        for (int row = start, next; row < end; row = next)
        {
            next = Math.Min(row + rows, end);
            writer?.Run(arena, row, next);
            Quantize.Run(in call, row, next);
        }
        TokenParameters scales = parameters.Parameters;
        Int8Gemm.Run(weights, target, stride, in scales, y.Pointer(arena), y.Stride, start, end, accumulate: false);
    }
}
