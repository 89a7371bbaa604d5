using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>Lays out a grid of tokens so that a convolution becomes a matrix product.</summary>
/// <remarks>
/// Each row holds the tokens under the kernel at one place, side by side: <c>[places, K²·channels]</c>. Tokens outside
/// of the grid are zeros.
/// </remarks>
internal static unsafe class GridPatches
{
    /// <summary>The length of a row.</summary>
    public static int Length(GridConv2d convolution) =>
        convolution.KernelSize * convolution.KernelSize * convolution.InChannels;

    /// <summary>
    /// Exchanges channels and taps of each output's weights, <c>[out, in, K²]</c> to <c>[out, K², in]</c>.
    /// </summary>
    public static void PackWeights<T>(GridConv2d convolution, ReadOnlySpan<T> weights, Span<T> packed) =>
        ExchangeInner(weights, packed, convolution.InChannels, convolution.KernelSize * convolution.KernelSize);

    /// <summary>The reverse of <see cref="PackWeights"/>, for gradients.</summary>
    public static void UnpackWeights(GridConv2d convolution, ReadOnlySpan<float> packed, Span<float> weights) =>
        ExchangeInner(packed, weights, convolution.KernelSize * convolution.KernelSize, convolution.InChannels);

    /// <summary>Unfolds places: values, or their levels.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="source">The grid, <c>[tokens, channels]</c>.</param>
    /// <param name="sourceStride">The distance of its rows in elements.</param>
    /// <param name="target">The rows of all places.</param>
    /// <param name="targetStride">The distance of those.</param>
    /// <param name="start">The first place.</param>
    /// <param name="end">The place after the last.</param>
    /// <param name="zero">The value outside of the grid.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unfold<T>(
        GridConv2d convolution, T* source, nint sourceStride, T* target, nint targetStride, int start, int end,
        T zero = default)
        where T : unmanaged
    {
        int channels = convolution.InChannels, line = convolution.KernelSize * channels;
        for (int place = start; place < end; place++)
        {
            (int top, int left, int from, int to) = Window(convolution, place);
            T* patch = target + (place * targetStride);
            for (int y = top; y < top + convolution.KernelSize; y++, patch += line)
            {
                var row = new Span<T>(patch, line);
                if (y < 0 || y >= convolution.Height)
                {
                    row.Fill(zero);
                    continue;
                }
                row[..(from * channels)].Fill(zero);
                row[(to * channels)..].Fill(zero);
                T* tokens = source + ((((nint)y * convolution.Width) + left) * sourceStride);
                if (sourceStride == channels)
                {
                    new ReadOnlySpan<T>(
                        tokens + (from * channels), (to - from) * channels).CopyTo(row[(from * channels)..]);
                    continue;
                }
                for (int x = from; x < to; x++)
                    new ReadOnlySpan<T>(tokens + (x * sourceStride), channels).CopyTo(row[(x * channels)..]);
            }
        }
    }

    /// <summary>The reverse of <see cref="Unfold"/>: adds each part to the token that it came from.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="patches">The rows of the places, from the first one on.</param>
    /// <param name="target">The grid, <c>[tokens, channels]</c>.</param>
    /// <param name="targetStride">The distance of its rows in elements.</param>
    /// <param name="start">The first place.</param>
    /// <param name="end">The place after the last.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddBack(
        GridConv2d convolution, float* patches, float* target, nint targetStride, int start, int end)
    {
        int channels = convolution.InChannels, line = convolution.KernelSize * channels;
        for (int place = start; place < end; place++)
        {
            (int top, int left, int from, int to) = Window(convolution, place);
            for (int y = top; y < top + convolution.KernelSize; y++, patches += line)
            {
                if (y < 0 || y >= convolution.Height)
                    continue;
                float* tokens = target + ((((nint)y * convolution.Width) + left) * targetStride);
                // Neighbouring tokens are one row of memory, unless they are slices of longer ones.
                (int pieces, int length) = targetStride == channels
                    ? (1, (to - from) * channels)
                    : (to - from, channels);
                for (int i = 0; i < pieces; i++)
                {
                    var sum = new Span<float>(tokens + ((from + i) * targetStride), length);
                    TensorPrimitives.Add(sum, new ReadOnlySpan<float>(patches + ((from + i) * channels), length), sum);
                }
            }
        }
    }

    /// <summary>The window of a kernel at a place of the output.</summary>
    /// <remarks>
    /// It starts at a row and column of the grid. The remaining values give the columns that lie inside of the grid.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int Top, int Left, int From, int To) Window(GridConv2d convolution, int place)
    {
        int left = (place % convolution.OutWidth * convolution.Stride) - convolution.Padding;
        int from = Math.Clamp(-left, 0, convolution.KernelSize),
            to = Math.Clamp(convolution.Width - left, from, convolution.KernelSize);
        return ((place / convolution.OutWidth * convolution.Stride) - convolution.Padding, left, from, to);
    }

    private static void ExchangeInner<T>(ReadOnlySpan<T> source, Span<T> target, int rows, int columns)
    {
        for (int start = 0; start < source.Length; start += rows * columns)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    target[start + (column * rows) + row] = source[start + (row * columns) + column];
            }
        }
    }
}
