using Bitis.Data;
using Bitis.Data.Resampling;
using Bitis.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Bitis.Tests.Data;

public sealed class PreprocessingTests
{
    private static readonly Config Seeded = Config.QuickThrowOnFailure.WithReplay(4242, 77).WithMaxTest(60);

    [Fact]
    public void The_presets_are_those_of_the_published_evaluations()
    {
        Assert.Equal((256, 224), (Preprocessing.ImageNet224.ResizeShorterSide, Preprocessing.ImageNet224.CropSize));
        Assert.Equal(Interpolation.Bicubic, Preprocessing.ImageNet224.Interpolation);
        Assert.Equal((438, 384), (Preprocessing.ForSize(384).ResizeShorterSide, Preprocessing.ForSize(384).CropSize));
        Assert.Equal((32, 32), (Preprocessing.ForSize(32).ResizeShorterSide, Preprocessing.ForSize(32).CropSize));
        Preprocessing.ImageNet224.Validate();
    }

    [Fact]
    public void Values_that_cannot_work_are_refused()
    {
        Preprocessing good = Preprocessing.ImageNet224;
        foreach (Preprocessing bad in (Preprocessing[])
            [
                good with { CropSize = 257 },
                good with { CropSize = 0 },
                good with { ResizeShorterSide = 20_000 },
                good with { Interpolation = (Interpolation)7 },
                good with { Std = new ChannelValues(1, 0, 1) },
                good with { Mean = new ChannelValues(float.NaN, 0, 1) },
                good with { Std = new ChannelValues(1, 1e-40f, 1) }, // pixels would be infinite
                good with { Mean = new ChannelValues(1e30f, 0, 1), Std = new ChannelValues(1e-20f, 1, 1) },
            ])
        {
            Assert.Throws<BitisException>(bad.Validate);
        }
        Assert.Throws<ArgumentException>(() => good.Apply(TestImages.Noise(4, 4, 1), new float[10]));
    }

    [Fact]
    public void An_image_of_the_right_size_is_left_alone()
    {
        PixelImage image = TestImages.Noise(32, 32, seed: 1);
        Assert.Same(image, Preprocessing.ForSize(32).ResizeAndCrop(image));

        // Through the resampler itself as well: equal sizes are its identity.
        foreach (Interpolation interpolation in Enum.GetValues<Interpolation>())
        {
            var weights = new ResampleWeights(32, 32, 0, 32, interpolation);
            Assert.True(image.Pixels.SequenceEqual(Resampler.Resize(image, weights, weights).Pixels));
        }
    }

    [Fact]
    public void The_crop_is_centred_with_halves_rounded_to_even()
    {
        // 7 columns cut to 4: (7 − 4) / 2 = 1.5, which rounds to 2; 5 to 4: 0.5 rounds to 0.
        var preprocessing = new Preprocessing(4, 4, new ChannelValues(0, 0, 0), new ChannelValues(1, 1, 1));
        PixelImage wide = TestImages.Noise(7, 4, seed: 2);
        PixelImage narrow = TestImages.Noise(5, 4, seed: 3);
        Assert.True(wide.Row(1)[6..18].SequenceEqual(preprocessing.ResizeAndCrop(wide).Row(1)));
        Assert.True(narrow.Row(1)[..12].SequenceEqual(preprocessing.ResizeAndCrop(narrow).Row(1)));
    }

    [Fact]
    public void Channels_are_planes_scaled_then_normalized()
    {
        var preprocessing = new Preprocessing(1, 1, new ChannelValues(0.5f, 0.25f, 0), new ChannelValues(0.5f, 2, 1));
        FloatTensor input = preprocessing.Apply(PixelImage.Rgb(1, 1, [255, 51, 102]));
        Assert.Equal([3, 1, 1], input.Shape);
        Assert.Equal([(255 / 255f - 0.5f) / 0.5f, (51 / 255f - 0.25f) / 2, 102 / 255f], input.Span.ToArray());
    }

    [Fact]
    public void Any_window_equals_a_plain_resize_of_the_whole_image() => Check.One(Seeded, Prop.ForAll(
        ArbMap.Default.ArbFor<int>().Generator.Four().ToArbitrary(),
        values =>
        {
            (int a, int b, int c, int d) = values;
            PixelImage image = TestImages.Noise(1 + (a & 63), 1 + (b & 63), seed: d);
            int crop = 1 + (c & 31);
            var preprocessing = new Preprocessing(
                crop + (d & 15), crop, new ChannelValues(0, 0, 0), new ChannelValues(1, 1, 1), (d & 16) == 0
                    ? Interpolation.Bicubic
                    : Interpolation.Bilinear);
            PixelImage actual = preprocessing.ResizeAndCrop(image);
            Assert.Equal(PlainResizeAndCrop(image, preprocessing), actual.Pixels.ToArray());
        }));

    [Fact]
    public void A_constant_image_stays_constant() => Check.One(Seeded, Prop.ForAll(
        ArbMap.Default.ArbFor<byte>().Generator.Three().ToArbitrary(),
        values =>
        {
            (byte width, byte height, byte value) = values;
            byte[] pixels = new byte[(width + 1) * (height + 1) * PixelImage.RgbChannels];
            pixels.AsSpan().Fill(value);
            PixelImage crop = Preprocessing.ForSize(40).ResizeAndCrop(PixelImage.Rgb(width + 1, height + 1, pixels));
            Assert.Equal(-1, crop.Pixels.IndexOfAnyExcept(value));
        }));

    [Fact]
    public void An_extremely_long_image_takes_little_memory()
    {
        var image = PixelImage.Rgb(1_000_000, 1, new byte[3_000_000]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        PixelImage crop = Preprocessing.ImageNet224.ResizeAndCrop(image);
        Assert.Equal((224, 224), (crop.Width, crop.Height));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    /// <summary>
    /// The whole image resized pixel by pixel, then cropped: the definition, without windows or vectors.
    /// </summary>
    private static byte[] PlainResizeAndCrop(PixelImage image, Preprocessing preprocessing)
    {
        int shorter = Math.Min(image.Width, image.Height);
        int width = (int)((double)preprocessing.ResizeShorterSide * image.Width / shorter);
        int height = (int)((double)preprocessing.ResizeShorterSide * image.Height / shorter);
        byte[] narrowed = PlainPass(
            image.Pixels.ToArray(), image.Width, image.Height, width, preprocessing.Interpolation);
        byte[] turned = PlainPass(
            Transpose(narrowed, width, image.Height), image.Height, width, height, preprocessing.Interpolation);
        byte[] resized = Transpose(turned, height, width);
        int crop = preprocessing.CropSize;
        int left = (int)Math.Round((width - crop) / 2.0, MidpointRounding.ToEven);
        int top = (int)Math.Round((height - crop) / 2.0, MidpointRounding.ToEven);
        return
        [
            .. Enumerable.Range(top, crop).SelectMany(
                y => resized[((y * width + left) * 3)..((y * width + left + crop) * 3)]),
        ];
    }

    private static byte[] PlainPass(byte[] pixels, int width, int height, int newWidth, Interpolation interpolation)
    {
        var weights = new ResampleWeights(width, newWidth, 0, newWidth, interpolation);
        byte[] result = new byte[newWidth * height * 3];
        for (int i = 0; i < result.Length; i++)
        {
            (int y, int x, int c) = (i / 3 / newWidth, i / 3 % newWidth, i % 3);
            long sum = 1L << (ResampleWeights.PrecisionBits - 1);
            for (int k = 0; k < weights.Weights(x).Length; k++)
                sum += (long)weights.Weights(x)[k] * pixels[(y * width + weights.Start(x) + k) * 3 + c];
            result[i] = (byte)Math.Clamp(sum >> ResampleWeights.PrecisionBits, 0, 255);
        }
        return result;
    }

    private static byte[] Transpose(byte[] pixels, int width, int height)
    {
        byte[] result = new byte[pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            (int y, int x, int c) = (i / 3 / width, i / 3 % width, i % 3);
            result[(x * height + y) * 3 + c] = pixels[i];
        }
        return result;
    }
}
