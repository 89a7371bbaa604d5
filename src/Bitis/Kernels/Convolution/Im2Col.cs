using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Convolution;

/// <summary>Unfolds an image, so that a convolution becomes a matrix product.</summary>
/// <remarks>
/// Row <c>oy·outputWidth + ox</c> of the target holds the pixels under the filter at that place,
/// <c>[channels, kernelSize, kernelSize]</c>. That is the order of a checkpoint's weights.
/// </remarks>
internal static unsafe class Im2Col
{
    /// <summary>The side of a filter that has copies without loops.</summary>
    /// <remarks>Its rows are so short, and so frequent, that a loop over them costs more than the copy.</remarks>
    private const int CommonSize = 3;

    /// <summary>
    /// The number of places of a filter along one side: <c>(size + 2·padding − kernelSize) / stride + 1</c>.
    /// </summary>
    public static int OutputSize(int size, int kernelSize, int stride, int padding) =>
        ((size + (2 * padding) - kernelSize) / stride) + 1;

    /// <summary>Unfolds <paramref name="source"/>: values, or their levels.</summary>
    /// <param name="source"><c>[channels, height, width]</c></param>
    /// <param name="channels">The number of channels.</param>
    /// <param name="height">The height of the image.</param>
    /// <param name="width">The width of the image.</param>
    /// <param name="kernelSize">The side of the square filter.</param>
    /// <param name="stride">The distance of neighbouring places.</param>
    /// <param name="padding">The zeros around the image on each side.</param>
    /// <param name="target"><c>[outputHeight·outputWidth, channels·kernelSize·kernelSize]</c></param>
    /// <param name="targetStride">The distance of target rows in elements.</param>
    /// <param name="zero">The value outside of the image.</param>
    public static void Run<T>(
        T* source,
        int channels,
        int height,
        int width,
        int kernelSize,
        int stride,
        int padding,
        T* target,
        nint targetStride,
        T zero = default)
        where T : unmanaged
    {
        int outputHeight = OutputSize(height, kernelSize, stride, padding);
        int outputWidth = OutputSize(width, kernelSize, stride, padding);
        for (int oy = 0; oy < outputHeight; oy++)
        {
            for (int ox = 0; ox < outputWidth; ox++)
            {
                // The part of a row of the filter that lies inside the image.
                int left = (ox * stride) - padding;
                int from = Math.Clamp(-left, 0, kernelSize);
                int to = Math.Clamp(width - left, from, kernelSize);
                T* row = target + (((nint)oy * outputWidth) + ox) * targetStride;
                for (int channel = 0; channel < channels; channel++)
                {
                    for (int ky = 0; ky < kernelSize; ky++)
                    {
                        int y = (oy * stride) - padding + ky;
                        T* line = source + ((((nint)channel * height) + y) * width) + left;
                        CopyLine(line, row, kernelSize, from, y < 0 || y >= height ? from : to, zero);
                        row += kernelSize;
                    }
                }
            }
        }
    }

    /// <summary>The reverse of <see cref="Run"/>: adds each value to the pixel that it came from.</summary>
    /// <param name="source"><c>[outputHeight·outputWidth, channels·kernelSize·kernelSize]</c></param>
    /// <param name="sourceStride">The distance of source rows in elements.</param>
    /// <param name="channels">The number of channels.</param>
    /// <param name="height">The height of the image.</param>
    /// <param name="width">The width of the image.</param>
    /// <param name="kernelSize">The side of the square filter.</param>
    /// <param name="stride">The distance of neighbouring places.</param>
    /// <param name="padding">The zeros around the image on each side.</param>
    /// <param name="target"><c>[channels, height, width]</c></param>
    public static void AddBack(
        float* source,
        nint sourceStride,
        int channels,
        int height,
        int width,
        int kernelSize,
        int stride,
        int padding,
        float* target)
    {
        int outputHeight = OutputSize(height, kernelSize, stride, padding);
        int outputWidth = OutputSize(width, kernelSize, stride, padding);
        for (int oy = 0; oy < outputHeight; oy++)
        {
            for (int ox = 0; ox < outputWidth; ox++)
            {
                int left = (ox * stride) - padding;
                int from = Math.Clamp(-left, 0, kernelSize);
                int to = Math.Clamp(width - left, from, kernelSize);
                float* row = source + (((nint)oy * outputWidth) + ox) * sourceStride;
                for (int channel = 0; channel < channels; channel++)
                {
                    for (int ky = 0; ky < kernelSize; ky++, row += kernelSize)
                    {
                        int y = (oy * stride) - padding + ky;
                        if (y >= 0 && y < height)
                        {
                            AddLine(
                                row, target + ((((nint)channel * height) + y) * width) + left, kernelSize, from, to);
                        }
                    }
                }
            }
        }
    }

    /// <summary>
    /// Copies the part of a filter's row that lies inside the image, with the value for zero around it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLine<T>(T* line, T* row, int kernelSize, int from, int to, T zero)
        where T : unmanaged
    {
        if (kernelSize == CommonSize && to - from == CommonSize)
        {
            row[0] = line[0];
            row[1] = line[1];
            row[2] = line[2];
            return;
        }
        var pixels = new Span<T>(row, kernelSize);
        pixels[..from].Fill(zero);
        new ReadOnlySpan<T>(line + from, to - from).CopyTo(pixels[from..]);
        pixels[to..].Fill(zero);
    }

    /// <summary>Adds the part of a filter's row that lies inside the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddLine(float* row, float* line, int kernelSize, int from, int to)
    {
        if (kernelSize == CommonSize && to - from == CommonSize)
        {
            line[0] += row[0];
            line[1] += row[1];
            line[2] += row[2];
            return;
        }
        for (int x = from; x < to; x++)
            line[x] += row[x];
    }
}
