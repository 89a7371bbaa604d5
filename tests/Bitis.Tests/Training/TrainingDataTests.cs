using Bitis.Data;
using Bitis.Training.Loop;

namespace Bitis.Tests.Training;

public sealed class TrainingDataTests
{
    private static readonly PixelImage Pixel = PixelImage.Rgb(1, 1, [0, 0, 0]);

    [Fact]
    public void Classes_are_those_that_have_names_or_labels()
    {
        Assert.Equal(2, new TrainingData(Source(["cat", "dog"], 0, 1, 1), null).Classes);
        Assert.Equal(3, new TrainingData(Source(null, 2, 0, 1), null).Classes);
    }

    [Fact]
    public void An_image_without_a_label_is_named()
    {
        Refused(() => new TrainingData(Source(["cat", "dog"], 0, 1, null), null), "image 2", "no label");
        Refused(() => new TrainingData(Source(null, 0, null), null), "image 1", "no label");
        Refused(() => new TrainingData(Source(null, 0, 1), Source(null, 1, null)), "image 1", "no label");
    }

    [Fact]
    public void A_class_without_images_is_named() =>
        Refused(() => new TrainingData(Source(["cat", "dog", "emu"], 0, 2), null), "class 1 ('dog')", "3 classes");

    [Fact]
    public void A_label_outside_the_classes_is_named() =>
        Refused(() => new TrainingData(Source(null, 0, 1), Source(null, 0, 5)), "image 1", "label 5", "2 classes");

    [Fact]
    public void Validation_images_show_classes_of_the_training_images()
    {
        Refused(
            () => new TrainingData(Source(["cat", "dog"], 0, 1), Source(["cat", "emu"], 0, 1)),
            "no class 'emu'",
            "'cat', 'dog'");
        var data = new TrainingData(Source(["cat", "dog"], 0, 1), Source(["dog"], 0));
        Assert.Equal((2, 1), (data.Classes, data.ValidationClasses!.ClassOf(0)));
    }

    [Fact]
    public void Each_epoch_has_an_order_of_its_own_that_the_seed_determines()
    {
        var data = new TrainingData(TinyTraining.Images(50, seed: 1), null);
        int[] order = data.Order(seed: 3, epoch: 0);
        Assert.Equal(Enumerable.Range(0, 50), order.Order());
        Assert.Equal(order, data.Order(seed: 3, epoch: 0));
        Assert.NotEqual(order, data.Order(seed: 3, epoch: 1));
        Assert.NotEqual(order, data.Order(seed: 4, epoch: 0));
    }

    [Fact]
    public void Digests_tell_names_labels_and_order_apart()
    {
        DataDigest digest = DataDigest.Of(Source(null, 0, 1));
        Assert.Equal(digest, DataDigest.Of(Source(["cat", "dog"], 0, 1)));
        Assert.NotEqual(digest, DataDigest.Of(Source(null, 1, 0)));
        Assert.NotEqual(digest, DataDigest.Of(Source(null, 0, 1, 1)));
        Assert.NotEqual(digest, DataDigest.Of(Source(null, 0, 1).Subset([1, 0])));
    }

    private static InMemoryImageSource Source(string[]? names, params int?[] labels) =>
        new([.. labels.Select((label, i) => new LabeledImage(Pixel, label, $"image {i}"))], names);

    private static void Refused(Func<TrainingData> create, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(create);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }
}
