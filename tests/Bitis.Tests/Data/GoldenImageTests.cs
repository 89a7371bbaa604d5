using System.Runtime.InteropServices;
using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

/// <summary>Decoding and preprocessing against the pixels of the reference pipeline.</summary>
public sealed class GoldenImageTests
{
    [Theory]
    [InlineData("gray.png")]
    [InlineData("interlaced.png")]
    [InlineData("palette.png")]
    [InlineData("rgb.png")]
    [InlineData("rgba.png")]
    public void Lossless_images_decode_exactly(string name)
    {
        PixelImage image = ImageDecoder.Default.Load(GoldenImages.PathOf(name));
        Assert.True(image.Pixels.SequenceEqual(GoldenImages.Find($"{name}/decoded_u8")));
    }

    [Theory]
    [InlineData("gray.png")]
    [InlineData("interlaced.png")]
    [InlineData("palette.png")]
    [InlineData("rgb.png")]
    [InlineData("rgba.png")]
    [InlineData("photo.bmp")]
    public void Lossless_images_resize_and_crop_exactly(string name)
    {
        PixelImage crop = Preprocessing.ImageNet224.ResizeAndCrop(ImageDecoder.Default.Load(GoldenImages.PathOf(name)));
        Assert.Equal((224, 224), (crop.Width, crop.Height));
        Assert.True(crop.Pixels.SequenceEqual(GoldenImages.Find($"{name}/crop_u8")));
    }

    [Theory]
    [InlineData("baseline420.jpg")]
    [InlineData("baseline422.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("exif-rotate6.jpg")]
    [InlineData("gray.jpg")]
    [InlineData("progressive444.jpg")]
    [InlineData("small.jpg")]
    [InlineData("tiny.jpg")]
    public void Jpeg_images_agree_within_two_levels(string name)
    {
        PixelImage crop = Preprocessing.ImageNet224.ResizeAndCrop(ImageDecoder.Default.Load(GoldenImages.PathOf(name)));
        byte[] expected = GoldenImages.Find($"{name}/crop_u8")!;
        Assert.Equal(expected.Length, crop.Pixels.Length);
        int worst = 0;
        for (int i = 0; i < expected.Length; i++)
            worst = Math.Max(worst, Math.Abs(expected[i] - crop.Pixels[i]));
        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void Normalized_values_are_exact()
    {
        PixelImage image = ImageDecoder.Default.Load(GoldenImages.PathOf("rgb.png"));
        Bitis.FloatTensor input = Preprocessing.ImageNet224.Apply(image);
        Assert.Equal([3, 224, 224], input.Shape);
        Assert.True(input.Span.SequenceEqual(MemoryMarshal.Cast<byte, float>(GoldenImages.Find("rgb.png/normalized"))));
    }

    [Fact]
    public void Sixteen_bit_gray_keeps_the_high_byte()
    {
        PixelImage image = ImageDecoder.Default.Load(GoldenImages.PathOf("gray16.png"));
        Assert.Equal((256, 256), (image.Width, image.Height));
        Assert.True(image.Pixels.ToArray().Distinct().Count() > 64);
        for (int i = 0; i < image.Pixels.Length; i += PixelImage.RgbChannels)
            Assert.True(image.Pixels[i] == image.Pixels[i + 1] && image.Pixels[i] == image.Pixels[i + 2]);
    }
}
