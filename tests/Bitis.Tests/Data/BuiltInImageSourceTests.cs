using Bitis.Data;
using Bitis.Data.BuiltIn;

namespace Bitis.Tests.Data;

/// <summary>The images that are made from a seed.</summary>
public sealed class BuiltInImageSourceTests
{
    [Fact]
    public void Its_names_open_it()
    {
        using ImageSource train = ImageSource.Open("builtin/train"), test = ImageSource.Open("builtin/test");
        Assert.Equal((BuiltInImageSource.TrainCount, BuiltInImageSource.TestCount), (train.Count, test.Count));
        Assert.Equal(10, train.ClassNames!.Distinct().Count());
        Assert.Equal(train.ClassNames, test.ClassNames);
    }

    [Fact]
    public void An_image_depends_on_seed_split_and_index_alone()
    {
        using var source = new BuiltInImageSource(BuiltInSplit.Train, count: 40);
        using var larger = new BuiltInImageSource(BuiltInSplit.Train, count: 400);
        using var test = new BuiltInImageSource(BuiltInSplit.Test, count: 40);
        using var other = new BuiltInImageSource(BuiltInSplit.Train, count: 40, seed: 1);
        var seen = new HashSet<string>();
        for (int i = 39; i >= 0; i--)
        {
            LabeledImage image = source.ReadLabeled(i);
            Assert.Equal(i % 10, image.Label);
            Assert.Equal((32, 32), (image.Image.Width, image.Image.Height));
            Assert.True(image.Image.Pixels.SequenceEqual(larger.Read(i).Pixels));
            foreach (ImageSource images in (ImageSource[])[source, test, other])
            {
                Assert.True(
                    seen.Add(Convert.ToBase64String(images.Read(i).Pixels)),
                    $"{images.Description}: {i} is there twice");
            }
        }
    }

    /// <summary>
    /// The committed model was trained on these very images: a change of the generator must be a decision.
    /// </summary>
    [Fact]
    public void The_pixels_are_those_that_the_shipped_model_knows()
    {
        using var source = new BuiltInImageSource(BuiltInSplit.Test);
        byte[] pixels = [.. Enumerable.Range(0, 20).Select(i => source.Read(100 * i).Pixels[(100 * i) + 7])];
        byte[] expected =
            [94, 149, 157, 152, 115, 82, 118, 45, 116, 197, 159, 168, 198, 47, 156, 121, 151, 148, 56, 70];
        Assert.Equal(expected.Length, pixels.Length);
        foreach ((byte known, byte pixel) in expected.Zip(pixels))
            Assert.InRange(pixel, known - 1, known + 1); // sines differ in their last bit between platforms
    }

    [Fact]
    public void Classes_cannot_be_told_apart_by_their_mean_colours()
    {
        using var train = new BuiltInImageSource(BuiltInSplit.Train, count: 2000);
        using var test = new BuiltInImageSource(BuiltInSplit.Test, count: 500);
        double[][] means =
        [
            .. Enumerable.Range(0, 10).Select(
                c => Mean(Enumerable.Range(0, 200).Select(i => Color(train.ReadLabeled((10 * i) + c))))),
        ];
        int right = Enumerable.Range(0, 500).Count(i =>
        {
            double[] color = Color(test.ReadLabeled(i));
            return Array.IndexOf(
                means, means.MinBy(mean => mean.Zip(color, (a, b) => (a - b) * (a - b)).Sum())) == i % 10;
        });
        Assert.InRange(right, 0, 100); // 50 would be chance
    }

    private static double[] Color(LabeledImage image) =>
        [
            .. Enumerable.Range(0, 3).Select(
                channel =>
                    image.Image.Pixels.ToArray().Where((_, i) => i % 3 == channel).Average(value => (double)value)),
        ];

    private static double[] Mean(IEnumerable<double[]> colors)
    {
        double[][] all = [.. colors];
        return [.. Enumerable.Range(0, 3).Select(channel => all.Average(color => color[channel]))];
    }
}
