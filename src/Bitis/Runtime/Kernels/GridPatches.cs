using Bitis.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// A convolution over a grid of tokens as a matrix product: each row holds the tokens under the kernel at one place, side by side,
/// <c>[places, K²·channels]</c>, zeros outside of the grid.
/// </summary>
internal static unsafe class GridPatches
{
    /// <summary>The length of a row.</summary>
    public static int Length(GridConv2d convolution) => convolution.Kernel * convolution.Kernel * convolution.InChannels;

    /// <summary>Exchanges channels and taps of each output's weights, <c>[out, in, K²]</c> to <c>[out, K², in]</c>.</summary>
    public static void PackWeights<T>(GridConv2d convolution, ReadOnlySpan<T> weights, Span<T> packed) =>
        ExchangeInner(weights, packed, convolution.InChannels, convolution.Kernel * convolution.Kernel);

    /// <summary>The reverse of <see cref="PackWeights"/>, for gradients.</summary>
    public static void UnpackWeights(GridConv2d convolution, ReadOnlySpan<float> packed, Span<float> weights) =>
        ExchangeInner(packed, weights, convolution.Kernel * convolution.Kernel, convolution.InChannels);

    /// <summary>Unfolds places: values, or their levels.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="source">The grid, <c>[tokens, channels]</c>.</param>
    /// <param name="sourceStride">The distance of its rows in elements.</param>
    /// <param name="target">The rows of all places.</param>
    /// <param name="targetStride">The distance of those.</param>
    /// <param name="start">The first place.</param>
    /// <param name="end">The place after the last.</param>
    /// <param name="zero">What lies outside of the grid.</param>
    public static void Unfold<T>(
        GridConv2d convolution, T* source, nint sourceStride, T* target, nint targetStride, int start, int end, T zero = default)
        where T : unmanaged
    {
        int channels = convolution.InChannels, taps = convolution.Kernel * convolution.Kernel;
        for (int place = start; place < end; place++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                var part = new Span<T>(target + (place * targetStride) + (tap * channels), channels);
                if (convolution.Source(place, tap) is { } token)
                    new ReadOnlySpan<T>(source + (token * sourceStride), channels).CopyTo(part);
                else
                    part.Fill(zero);
            }
        }
    }

    /// <summary>The reverse of <see cref="Unfold"/> for all places: adds each part to the token that it came from.</summary>
    public static void AddBack(GridConv2d convolution, float* patches, float* target, nint targetStride)
    {
        int channels = convolution.InChannels, taps = convolution.Kernel * convolution.Kernel;
        for (int place = 0; place < convolution.OutHeight * convolution.OutWidth; place++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                if (convolution.Source(place, tap) is not { } token)
                    continue;
                var sum = new Span<float>(target + (token * targetStride), channels);
                TensorPrimitives.Add(sum, new ReadOnlySpan<float>(patches + ((((nint)place * taps) + tap) * channels), channels), sum);
            }
        }
    }

    private static void ExchangeInner<T>(ReadOnlySpan<T> source, Span<T> target, int rows, int columns)
    {
        for (int i = 0; i < source.Length; i++)
        {
            int matrix = i / (rows * columns), row = i / columns % rows, column = i % columns;
            target[(matrix * rows * columns) + (column * rows) + row] = source[i];
        }
    }
}
