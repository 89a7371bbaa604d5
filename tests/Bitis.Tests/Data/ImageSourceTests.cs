using Bitis.Data;
using Bitis.Data.BuiltIn;

namespace Bitis.Tests.Data;

/// <summary>Sources in memory, generated ones, and samples of any source.</summary>
public sealed class ImageSourceTests
{
    [Fact]
    public void Images_in_memory_come_back_as_they_are()
    {
        var image = new LabeledImage(TestImages.Noise(3, 2, seed: 1), Label: 1, "mine");
        using var source = new InMemoryImageSource([image], ["a", "b"]);
        Assert.Equal(image, source.ReadLabeled(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Read(1));
        Assert.Throws<BitisException>(() => new InMemoryImageSource([]));
        Assert.Equal(
            "mine: the label -1 is negative.",
            Assert.Throws<BitisException>(() => new InMemoryImageSource([image with { Label = -1 }])).Message);
        Assert.Equal(
            "mine: the label 1 is not among the 1 class.",
            Assert.Throws<BitisException>(() => new InMemoryImageSource([image], ["a"])).Message);
    }

    [Fact]
    public void Generated_images_depend_on_seed_and_index_alone()
    {
        using var first = new SyntheticImageSource(30, 24, 12, seed: 5);
        using var again = new SyntheticImageSource(30, 24, 12, seed: 5);
        using var other = new SyntheticImageSource(30, 24, 12, seed: 6);
        Assert.Equal(12, first.ClassNames.Distinct().Count());
        var seen = new HashSet<string>();
        for (int i = 29; i >= 0; i--)
        {
            LabeledImage image = first.ReadLabeled(i);
            Assert.Equal(i % 12, image.Label);
            Assert.Equal((24, 24), (image.Image.Width, image.Image.Height));
            Assert.True(image.Image.Pixels.SequenceEqual(again.Read(i).Pixels));
            Assert.True(seen.Add(Convert.ToBase64String(image.Image.Pixels)));
            Assert.True(seen.Add(Convert.ToBase64String(other.Read(i).Pixels)));
        }
    }

    [Fact]
    public void A_sample_is_seeded_sorted_and_without_repetition()
    {
        using var source = new SyntheticImageSource(100, 4, 3, seed: 1);
        ImageSource sample = source.Take(20, seed: 9);
        int[] indices = [.. Enumerable.Range(0, 20).Select(i => int.Parse(sample.Name(i).Split(' ')[1]))];
        Assert.Equal(indices.Distinct().Order(), indices);
        Assert.NotEqual(Enumerable.Range(0, 20), indices);
        Assert.Equal(indices.Select(i => (int?)(i % 3)), Enumerable.Range(0, 20).Select(sample.Label));
        Assert.Equal(Names(sample), Names(source.Take(20, seed: 9)));
        Assert.NotEqual(Names(sample), Names(source.Take(20, seed: 10)));
        Assert.Same(source, source.Take(100, seed: 1));
        Assert.Same(source.ClassNames, sample.ClassNames);
    }

    [Fact]
    public void A_subset_keeps_the_order_that_it_was_given()
    {
        using var source = new SyntheticImageSource(5, 4, 3, seed: 1);
        Assert.Equal(["shape 4", "shape 0"], Names(source.Subset([4, 0])));
        Assert.True(source.Read(4).Pixels.SequenceEqual(source.Subset([4, 0]).Read(0).Pixels));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Subset([5]));
    }

    private static IEnumerable<string> Names(ImageSource source) =>
        Enumerable.Range(0, source.Count).Select(source.Name);
}
