using Bitis.Kernels.Images;

namespace Bitis.Data.Resampling;

/// <summary>Pillow's resize, bit for bit.</summary>
/// <remarks>
/// A horizontal pass, then a vertical one. Each computes in 22-bit fixed point and rounds and clips its result to
/// bytes. Only the window of the output that is asked for is computed.
/// </remarks>
internal static class Resampler
{
    /// <summary>
    /// The window of the resized image that <paramref name="horizontal"/> and <paramref name="vertical"/> describe.
    /// </summary>
    public static PixelImage Resize(PixelImage image, ResampleWeights horizontal, ResampleWeights vertical)
    {
        int firstRow = vertical.InputStart, firstColumn = horizontal.InputStart;
        int rows = vertical.InputEnd - firstRow, columns = horizontal.InputEnd - firstColumn;
        int channels = image.Channels, rowBytes = checked(horizontal.Count * channels);
        byte[] narrowed = new byte[checked(rows * rowBytes)];
        PixelResampling.ResampleRows(
            image.Pixels[(((firstRow * image.Width) + firstColumn) * channels)..],
            image.Width * channels,
            rows,
            channels,
            firstColumn,
            columns,
            horizontal.Windows,
            narrowed);

        byte[] result = new byte[vertical.Count * rowBytes];
        for (int y = 0; y < vertical.Count; y++)
        {
            ReadOnlySpan<byte> source = narrowed.AsSpan((vertical.Start(y) - firstRow) * rowBytes);
            PixelResampling.CombineRows(source, rowBytes, vertical.Weights(y), result.AsSpan(y * rowBytes, rowBytes));
        }
        return new PixelImage(horizontal.Count, vertical.Count, channels, result);
    }
}
