using System.Text.Json;
using Bitis.Data;
using Bitis.Json;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Tests.Data;

public sealed class PixelImageTests
{
    [Theory] // what Pillow's convert("L") gives
    [InlineData(255, 0, 0, 76)]
    [InlineData(0, 255, 0, 150)]
    [InlineData(0, 0, 255, 29)]
    [InlineData(10, 20, 30, 18)]
    [InlineData(200, 100, 50, 124)]
    [InlineData(77, 77, 77, 77)]
    [InlineData(255, 255, 255, 255)]
    public void Colours_become_gray_as_in_Pillow(byte red, byte green, byte blue, byte gray)
    {
        PixelImage image = PixelImage.Rgb(1, 1, [red, green, blue]).WithChannels(1);
        Assert.Equal((1, gray), (image.Channels, image.Pixels[0]));
    }

    [Fact]
    public void Gray_becomes_equal_colours_and_comes_back_as_it_was()
    {
        PixelImage gray = PixelImage.Gray(2, 1, [7, 200]);
        PixelImage rgb = gray.WithChannels(3);
        Assert.Equal([7, 7, 7, 200, 200, 200], rgb.Pixels.ToArray());
        Assert.Equal(gray.Pixels.ToArray(), rgb.WithChannels(1).Pixels.ToArray());
        Assert.Same(gray, gray.WithChannels(1));
    }

    [Fact]
    public void Other_numbers_of_channels_are_for_tensors()
    {
        var image = new PixelImage(1, 1, 5, [1, 2, 3, 4, 5]);
        string message = Assert.Throws<BitisException>(() => image.WithChannels(3)).Message;
        Assert.Contains("takes images of 3 channels, not of 5", message);
        Assert.Contains("InferenceSession.Run", message);
        Assert.Throws<ArgumentException>(() => new PixelImage(int.MaxValue, int.MaxValue, int.MaxValue, [1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]
    public void Each_channel_is_resized_by_itself(int channels)
    {
        PixelImage noise = TestImages.Noise(19, 13, seed: 4);
        Preprocessing preprocessing = Preprocessing.ForSize(6) with { ResizeShorterSide = 7 };
        byte[] many =
            [.. Enumerable.Range(0, 19 * 13 * channels).Select(i => noise.Pixels[i / channels * 3 + i % channels % 3])];
        ReadOnlySpan<byte> expected = preprocessing.ResizeAndCrop(noise).Pixels;
        ReadOnlySpan<byte> found = preprocessing.ResizeAndCrop(new PixelImage(19, 13, channels, many)).Pixels;
        Assert.Equal(6 * 6 * channels, found.Length);
        for (int i = 0; i < found.Length; i++)
            Assert.Equal(expected[i / channels * 3 + i % channels % 3], found[i]);
    }

    [Fact]
    public void A_gray_model_sees_gray_pixels_between_minus_one_and_one()
    {
        Preprocessing preprocessing = Preprocessing.ForSize(1, channels: 1);
        preprocessing.Validate();
        FloatTensor input = preprocessing.Apply(PixelImage.Rgb(1, 1, [255, 0, 0]));
        Shape expected = [1, 1, 1];
        Assert.Equal(expected, input.Shape);
        Assert.Equal((76 / 255f - 0.5f) / 0.5f, input.Span[0]);
    }

    [Theory]
    [InlineData("""{"red":0.5,"green":0.25,"blue":1}""", """{"red":0.5,"green":0.25,"blue":1}""")]
    [InlineData("[0.5,0.25,1]", """{"red":0.5,"green":0.25,"blue":1}""")]
    [InlineData("[0.5]", "[0.5]")]
    public void Values_of_channels_are_written_in_one_form_and_read_in_both(string json, string written)
    {
        Preprocessing read = Read(json);
        string text = JsonSerializer.Serialize(read, ModelJson.Default.Preprocessing);
        Assert.Contains($"\"mean\":{written},\"std\":{written}", text);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("[1e39]")]
    [InlineData("[\"1\"]")]
    [InlineData("""{"red":0.5,"green":0.25}""")]
    [InlineData("""{"red":0.5,"green":0.25,"blue":1,"red":1}""")]
    [InlineData("""{"red":0.5,"green":0.25,"blue":1,"alpha":1}""")]
    [InlineData("""{"red":0.5,"green":0.25,"blue":null}""")]
    public void Other_values_are_refused(string json) => Assert.Throws<StrictJsonException>(() => Read(json));

    [Fact]
    public void Means_and_deviations_are_as_many_as_channels()
    {
        Preprocessing good = Preprocessing.ForSize(8, channels: 2);
        Assert.Contains("2 means and 1 deviations", Refusal(good with { Std = new ChannelValues(1) }));
        Assert.Contains("0 means", Refusal(good with { Mean = default, Std = default }));

        static string Refusal(Preprocessing preprocessing) =>
            Assert.Throws<BitisException>(preprocessing.Validate).Message;
    }

    private static Preprocessing Read(string values) => StrictJson.Read(
        $$"""{"resizeShorterSide":8,"cropSize":8,"mean":{{values}},"std":{{values}},"interpolation":"Bicubic"}""",
        ModelJson.Default.Preprocessing);
}
