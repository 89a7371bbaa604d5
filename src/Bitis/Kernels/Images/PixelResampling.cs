using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Bitis.Kernels.Images;

/// <summary>Weighted sums of pixels in fixed point, rounded and clipped to bytes.</summary>
internal static class PixelResampling
{
    /// <summary>
    /// Fractional bits of a weight: 32, less 8 of a sample, less 2 for the overshoot of negative lobes.
    /// </summary>
    public const int PrecisionBits = 32 - 8 - 2;

    private const int RgbChannels = 3;
    private const int Rounding = 1 << (PrecisionBits - 1);

    /// <summary>Resamples rows of pixels along their length.</summary>
    /// <param name="source">The rows, from their first pixel that is needed.</param>
    /// <param name="sourceStride">The distance of source rows in bytes.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="channels">The channels of a pixel.</param>
    /// <param name="firstPixel">The position of the first pixel that is needed on the axis of the windows.</param>
    /// <param name="pixelCount">How many pixels of a row are needed.</param>
    /// <param name="windows">The input pixels of each output pixel.</param>
    /// <param name="target">The output, <c>[rows, outputs, channels]</c>.</param>
    public static void ResampleRows(
        ReadOnlySpan<byte> source,
        int sourceStride,
        int rows,
        int channels,
        int firstPixel,
        int pixelCount,
        in PixelWindows windows,
        Span<byte> target)
    {
        // A vector for each pixel holds up to four of its channels: red, green, blue, unused.
        var pixels = new Vector128<int>[pixelCount];
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<byte> row = source[(y * sourceStride)..];
            Span<byte> output = target[(y * windows.Count * channels)..];
            for (int channel = 0; channel < channels; channel += Vector128<int>.Count)
            {
                int lanes = Math.Min(channels - channel, Vector128<int>.Count);
                Widen(row[channel..], channels, lanes, pixels);
                ResampleRow(pixels, firstPixel, in windows, output[channel..], channels, lanes);
            }
        }
    }

    /// <summary>The weighted sum of as many rows as there are weights, sixteen bytes at a time.</summary>
    /// <param name="rows">The rows, one after the other.</param>
    /// <param name="rowBytes">The length of a row.</param>
    /// <param name="weights">The weight of each row.</param>
    /// <param name="target">The sum: one row.</param>
    public static void CombineRows(ReadOnlySpan<byte> rows, int rowBytes, ReadOnlySpan<int> weights, Span<byte> target)
    {
        int x = 0;
        ref byte source = ref MemoryMarshal.GetReference(rows);
        for (; x <= rowBytes - Vector128<byte>.Count; x += Vector128<byte>.Count)
        {
            Vector128<int> sum0 = Vector128.Create(Rounding), sum1 = sum0, sum2 = sum0, sum3 = sum0;
            for (int i = 0; i < weights.Length; i++)
            {
                (Vector128<ushort> low, Vector128<ushort> high) =
                    Vector128.Widen(Vector128.LoadUnsafe(ref source, (nuint)((i * rowBytes) + x)));
                (Vector128<uint> v0, Vector128<uint> v1) = Vector128.Widen(low);
                (Vector128<uint> v2, Vector128<uint> v3) = Vector128.Widen(high);
                sum0 += v0.AsInt32() * weights[i];
                sum1 += v1.AsInt32() * weights[i];
                sum2 += v2.AsInt32() * weights[i];
                sum3 += v3.AsInt32() * weights[i];
            }
            Vector128<ushort> left = Vector128.Narrow(Clip(sum0).AsUInt32(), Clip(sum1).AsUInt32());
            Vector128<ushort> right = Vector128.Narrow(Clip(sum2).AsUInt32(), Clip(sum3).AsUInt32());
            Vector128.Narrow(left, right).CopyTo(target[x..]);
        }
        for (; x < rowBytes; x++)
        {
            int sum = Rounding;
            for (int i = 0; i < weights.Length; i++)
                sum += rows[(i * rowBytes) + x] * weights[i];
            target[x] = (byte)Math.Clamp(sum >> PrecisionBits, 0, byte.MaxValue);
        }
    }

    private static void Widen(ReadOnlySpan<byte> source, int stride, int lanes, Span<Vector128<int>> pixels)
    {
        for (int x = 0; x < pixels.Length; x++)
        {
            ReadOnlySpan<byte> pixel = source.Slice(x * stride, lanes);
            pixels[x] = lanes == RgbChannels
                ? Vector128.Create(pixel[0], pixel[1], pixel[2], 0)
                : Vector128.Create(
                    pixel[0], lanes > 1 ? pixel[1] : 0, lanes > 2 ? pixel[2] : 0, lanes > 3 ? pixel[3] : 0);
        }
    }

    private static void ResampleRow(
        ReadOnlySpan<Vector128<int>> pixels,
        int firstPixel,
        in PixelWindows windows,
        Span<byte> target,
        int stride,
        int lanes)
    {
        for (int x = 0; x < windows.Count; x++)
        {
            ReadOnlySpan<int> weights = windows.Weights(x);
            ReadOnlySpan<Vector128<int>> window = pixels.Slice(windows.Start(x) - firstPixel, weights.Length);
            Vector128<int> sum = Vector128.Create(Rounding);
            for (int i = 0; i < window.Length; i++)
                sum += window[i] * weights[i];
            Vector128<int> clipped = Clip(sum);
            for (int lane = 0; lane < lanes; lane++)
                target[(x * stride) + lane] = (byte)clipped[lane];
        }
    }

    private static Vector128<int> Clip(Vector128<int> sum) =>
        Vector128.Clamp(sum >> PrecisionBits, Vector128<int>.Zero, Vector128.Create((int)byte.MaxValue));
}
