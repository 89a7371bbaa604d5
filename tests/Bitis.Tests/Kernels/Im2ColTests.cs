using Bitis.Kernels.Convolution;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class Im2ColTests
{
    [Theory]
    [InlineData(3, 8, 8, 4, 4, 0)]
    [InlineData(3, 7, 9, 4, 2, 0)]
    [InlineData(2, 5, 6, 3, 1, 1)]
    [InlineData(1, 3, 2, 5, 2, 3)]
    public void Rows_hold_the_pixels_under_the_kernel(
        int channels, int height, int width, int kernel, int stride, int padding)
    {
        int oh = Im2Col.OutputSize(height, kernel, stride, padding);
        int ow = Im2Col.OutputSize(width, kernel, stride, padding);
        int row = channels * kernel * kernel;
        using var image = new GuardedBuffer<float>(Sample.Floats(1, channels * height * width));
        using var target = new GuardedBuffer<float>(oh * ow * row);
        target.Span.Fill(float.NaN);
        Im2Col.Run(image.Pointer, channels, height, width, kernel, stride, padding, target.Pointer, row);
        for (int i = 0; i < target.Length; i++)
        {
            int place = i / row, channel = i % row / (kernel * kernel);
            int y = (place / ow * stride) - padding + (i % row / kernel % kernel);
            int x = (place % ow * stride) - padding + (i % row % kernel);
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            Assert.Equal(inside ? image.Span[(((channel * height) + y) * width) + x] : 0f, target.Span[i]);
        }

        // Levels, with a zero point of 77 around the image and rows that are longer than they need to be.
        using var levels = new GuardedBuffer<byte>(
            Array.ConvertAll(image.Span.ToArray(), value => (byte)(128 + (100 * value))));
        using var bytes = new GuardedBuffer<byte>((oh * ow * (row + 3)) - 3);
        Im2Col.Run(levels.Pointer, channels, height, width, kernel, stride, padding, bytes.Pointer, row + 3, (byte)77);
        for (int i = 0; i < target.Length; i++)
        {
            byte expected = target.Span[i] == 0 ? (byte)77 : (byte)(128 + (100 * target.Span[i]));
            Assert.Equal(expected, bytes.Span[(i / row * (row + 3)) + (i % row)]);
        }
    }
}
