using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Bitis.Data.Resampling;

/// <summary>
/// Pillow's resize, bit for bit: a horizontal pass, then a vertical one, each in 22-bit fixed point with its result
/// rounded and clipped to bytes. Only the window of the output that is asked for is computed.
/// </summary>
internal static class Resampler
{
    private const int Rounding = 1 << (ResampleWeights.PrecisionBits - 1);

    /// <summary>The window of the resized image that <paramref name="horizontal"/> and <paramref name="vertical"/> describe.</summary>
    public static PixelImage Resize(PixelImage image, ResampleWeights horizontal, ResampleWeights vertical)
    {
        int firstRow = vertical.InputStart;
        int rows = vertical.InputEnd - firstRow;
        int channels = image.Channels, rowBytes = checked(horizontal.Count * channels);
        byte[] narrowed = new byte[checked(rows * rowBytes)];

        // One Vector128 a pixel for up to four of its channels: lanes red, green, blue, unused.
        int firstColumn = horizontal.InputStart;
        var pixels = new Vector128<int>[horizontal.InputEnd - firstColumn];
        for (int y = 0; y < rows; y++)
        {
            for (int channel = 0; channel < channels; channel += Vector128<int>.Count)
            {
                int lanes = Math.Min(channels - channel, Vector128<int>.Count);
                Widen(image.Row(firstRow + y)[(firstColumn * channels + channel)..], channels, lanes, pixels);
                ResampleRow(pixels, firstColumn, horizontal, narrowed.AsSpan(y * rowBytes + channel), channels, lanes);
            }
        }

        byte[] result = new byte[vertical.Count * rowBytes];
        for (int y = 0; y < vertical.Count; y++)
        {
            ReadOnlySpan<byte> source = narrowed.AsSpan((vertical.Start(y) - firstRow) * rowBytes);
            CombineRows(source, rowBytes, vertical.Weights(y), result.AsSpan(y * rowBytes, rowBytes));
        }
        return new PixelImage(horizontal.Count, vertical.Count, channels, result);
    }

    private static void Widen(ReadOnlySpan<byte> source, int stride, int lanes, Span<Vector128<int>> pixels)
    {
        for (int x = 0; x < pixels.Length; x++)
        {
            ReadOnlySpan<byte> pixel = source.Slice(x * stride, lanes);
            pixels[x] = lanes == PixelImage.RgbChannels
                ? Vector128.Create(pixel[0], pixel[1], pixel[2], 0)
                : Vector128.Create(pixel[0], lanes > 1 ? pixel[1] : 0, lanes > 2 ? pixel[2] : 0, lanes > 3 ? pixel[3] : 0);
        }
    }

    private static void ResampleRow(
        ReadOnlySpan<Vector128<int>> pixels, int firstColumn, ResampleWeights horizontal, Span<byte> target, int stride, int lanes)
    {
        for (int x = 0; x < horizontal.Count; x++)
        {
            ReadOnlySpan<int> weights = horizontal.Weights(x);
            ReadOnlySpan<Vector128<int>> window = pixels.Slice(horizontal.Start(x) - firstColumn, weights.Length);
            Vector128<int> sum = Vector128.Create(Rounding);
            for (int i = 0; i < window.Length; i++)
                sum += window[i] * weights[i];
            Vector128<int> clipped = Clip(sum);
            for (int lane = 0; lane < lanes; lane++)
                target[x * stride + lane] = (byte)clipped[lane];
        }
    }

    /// <summary>The weighted sum of as many rows as there are weights, sixteen bytes at a time.</summary>
    private static void CombineRows(ReadOnlySpan<byte> rows, int rowBytes, ReadOnlySpan<int> weights, Span<byte> target)
    {
        int x = 0;
        ref byte source = ref MemoryMarshal.GetReference(rows);
        for (; x <= rowBytes - Vector128<byte>.Count; x += Vector128<byte>.Count)
        {
            Vector128<int> sum0 = Vector128.Create(Rounding), sum1 = sum0, sum2 = sum0, sum3 = sum0;
            for (int i = 0; i < weights.Length; i++)
            {
                (Vector128<ushort> low, Vector128<ushort> high) =
                    Vector128.Widen(Vector128.LoadUnsafe(ref source, (nuint)(i * rowBytes + x)));
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
                sum += rows[i * rowBytes + x] * weights[i];
            target[x] = (byte)Math.Clamp(sum >> ResampleWeights.PrecisionBits, 0, byte.MaxValue);
        }
    }

    private static Vector128<int> Clip(Vector128<int> sum) =>
        Vector128.Clamp(sum >> ResampleWeights.PrecisionBits, Vector128<int>.Zero, Vector128.Create((int)byte.MaxValue));
}
