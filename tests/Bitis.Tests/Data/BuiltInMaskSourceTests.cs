using Bitis.Data.BuiltIn;
using Bitis.Data.LabelMaps;

namespace Bitis.Tests.Data;

/// <summary>The images with masks that are made from a seed.</summary>
public sealed class BuiltInMaskSourceTests
{
    [Fact]
    public void Its_names_open_it()
    {
        using ImageSource train = ImageSource.Open("builtin-masks/train", decoder: null),
            test = ImageSource.Open("builtin-masks/test", decoder: null);
        Assert.Equal((BuiltInMaskSource.TrainCount, BuiltInMaskSource.TestCount), (train.Count, test.Count));
        Assert.Equal(["background", .. BuiltInImageSource.ShapeNames], train.ClassNames!);
        Assert.Equal(train.ClassNames, test.ClassNames);
        Assert.True(train.HasPixelLabels);
        Assert.Null(train.Label(0));
    }

    [Fact]
    public void An_image_depends_on_seed_split_and_index_alone()
    {
        using var source = new BuiltInMaskSource(BuiltInSplit.Train, count: 20);
        using var larger = new BuiltInMaskSource(BuiltInSplit.Train, count: 200);
        using var test = new BuiltInMaskSource(BuiltInSplit.Test, count: 20);
        using var other = new BuiltInMaskSource(BuiltInSplit.Train, count: 20, seed: 1);
        var seen = new HashSet<string>();
        for (int i = 19; i >= 0; i--)
        {
            (PixelImage image, LabelMap labels) = source.ReadWithPixelLabels(i);
            Assert.Equal((64, 64, 64, 64), (image.Width, image.Height, labels.Width, labels.Height));
            Assert.Equal(larger.Read(i).Pixels, image.Pixels);
            Assert.Equal(larger.ReadWithPixelLabels(i).Labels.Labels, labels.Labels);
            foreach (ImageSource images in (ImageSource[])[source, test, other])
                Assert.True(seen.Add(Convert.ToBase64String(images.Read(i).Pixels)), $"{images.Description}: {i}");
        }
    }

    [Fact]
    public void Labels_are_the_background_and_every_shape()
    {
        using var source = new BuiltInMaskSource(BuiltInSplit.Test, count: 100);
        long[] counts = new long[source.ClassNames.Count];
        for (int i = 0; i < source.Count; i++)
        {
            ushort[] labels = source.ReadWithPixelLabels(i).Labels.Labels;
            Assert.Contains((ushort)(1 + (i % 10)), labels); // the class of the first shape
            Assert.InRange(labels.Distinct().Count(), 2, 1 + Difficulty.MostShapes);
            foreach (ushort label in labels)
                counts[label]++;
        }
        long all = 100L * 64 * 64;
        Assert.InRange(counts[0], all / 2, all * 9 / 10);
        Assert.All(counts[1..], count => Assert.InRange(count, all / 250, all / 10));
    }

    [Fact]
    public void A_shape_is_labeled_where_it_is_painted()
    {
        // Of a shape whose colour is plain, pixels inside differ less from each other than from those around it.
        using var source = new BuiltInMaskSource(BuiltInSplit.Train, count: 200);
        int apart = 0, all = 0;
        for (int i = 0; i < source.Count; i++)
        {
            (PixelImage image, LabelMap map) = source.ReadWithPixelLabels(i);
            double inside = Green(image, map, label => label > 0), outside = Green(image, map, label => label == 0);
            all++;
            if (Math.Abs(inside - outside) > 8)
                apart++;
        }
        Assert.InRange((double)apart / all, 0.7, 1);
    }

    /// <summary>The shipped model was trained on these very labels: a change must be a decision.</summary>
    [Fact]
    public void The_labels_are_those_that_the_shipped_model_knows()
    {
        using var source = new BuiltInMaskSource(BuiltInSplit.Test);
        int[] covered =
        [
            .. Enumerable.Range(0, 10).Select(
                i => source.ReadWithPixelLabels(100 * i).Labels.Labels.Count(label => label > 0)),
        ];
        int[] expected = [723, 605, 276, 643, 529, 654, 756, 705, 523, 531];
        Assert.Equal(expected.Length, covered.Length);
        foreach ((int known, int count) in expected.Zip(covered))
            Assert.InRange(count, known - 3, known + 3); // sines differ in their last bit between platforms
    }

    private static double Green(PixelImage image, LabelMap map, Func<ushort, bool> counts)
    {
        byte[] pixels = image.Pixels.ToArray();
        return Enumerable.Range(0, map.Labels.Length).Where(i => counts(map.Labels[i]))
            .Average(i => (double)pixels[(3 * i) + 1]);
    }
}
