using Bitis.Data;
using Bitis.Data.LabelMaps;
using Bitis.Data.Resampling;
using Bitis.Tensors;
using Bitis.Training.Images;

namespace Bitis.Tests.Training;

/// <summary>What training does to images and to the labels of their pixels, which must stay together.</summary>
public sealed class LabeledCropsTests
{
    private static readonly Preprocessing Plain = new(8, 8, new(0, 0, 0), new(1, 1, 1), Interpolation.Bilinear);

    [Theory]
    [InlineData(8, 8)]
    [InlineData(24, 8)] // a square out of a wide image
    [InlineData(8, 20)]
    public void A_square_has_the_labels_of_its_pixels(int width, int height)
    {
        var crops = new LabeledCrops(new ColouredLabels(width, height), Plain, classes: 200, reducesZeroLabel: false);
        var starts = new HashSet<string>();
        for (ulong seed = 0; seed < 20; seed++)
        {
            ImageBatch batch = crops.Read(0, 2, i => SeededRandom.ForPart(seed, (ulong)i), CancellationToken.None);
            Assert.Equal([2, 3, 8, 8], batch.Images.Shape.Sizes.ToArray());
            AssertTogether(batch.Images, batch.PixelLabels!);
            starts.Add(string.Join(',', batch.PixelLabels![..8]));
        }
        Assert.True(starts.Count > 1 == (width != height), $"{starts.Count} places");
    }

    [Fact]
    public void What_an_image_does_not_fill_has_no_label()
    {
        // Four times as wide as high is the limit: 80×8 becomes 32×3.
        var crops = new LabeledCrops(new ColouredLabels(80, 8), Plain, classes: 200, reducesZeroLabel: false);
        ImageBatch batch = crops.Read(0, 1, i => new SeededRandom(1), CancellationToken.None);
        Assert.Equal(5 * 8, batch.PixelLabels!.Count(label => label == LabelMap.Ignored));
        Assert.All(batch.PixelLabels![(3 * 8)..], label => Assert.Equal(LabelMap.Ignored, label));
        Assert.All(batch.Images.Span[(3 * 8)..(8 * 8)].ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_larger_image_is_resized_with_its_labels()
    {
        var crops = new LabeledCrops(new ColouredLabels(32, 32), Plain, classes: 200, reducesZeroLabel: false);
        ImageBatch batch = crops.Read(0, 1, i => new SeededRandom(1), CancellationToken.None);
        for (int pixel = 0; pixel < 64; pixel++)
            Assert.InRange(batch.PixelLabels![pixel] / 255f - batch.Images.Span[pixel], -3 / 255f, 3 / 255f);
    }

    [Fact]
    public void Label_0_may_stand_for_no_class()
    {
        var crops = new LabeledCrops(new ColouredLabels(8, 8), Plain, classes: 200, reducesZeroLabel: true);
        ImageBatch batch = crops.Read(0, 1, i => new SeededRandom(1), CancellationToken.None);
        Assert.Equal(LabelMap.Ignored, batch.PixelLabels![0]);
        Assert.Equal(0, batch.PixelLabels![1]);
    }

    [Fact]
    public void A_label_that_is_no_class_is_refused_with_its_place()
    {
        var crops = new LabeledCrops(new ColouredLabels(8, 8), Plain, classes: 20, reducesZeroLabel: false);
        BitisException e = Assert.Throws<BitisException>(
            () => crops.Read(0, 1, i => new SeededRandom(1), CancellationToken.None));
        Assert.Equal(
            "labels 0: the ground truth has the label 20 at 4, 2; the model has 20 classes, and 255 stands for none.",
            e.Message);
    }

    [Fact]
    public void Shifts_and_flips_move_image_and_labels_alike()
    {
        var crops = new LabeledCrops(new ColouredLabels(8, 8), Plain, classes: 200, reducesZeroLabel: false);
        var augmentation = new Augmentation { CropPadding = 3, Flip = true };
        var seen = new HashSet<string>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            ImageBatch batch = crops.Read(0, 2, i => new SeededRandom(1), CancellationToken.None);
            augmentation.Apply(batch.Images, batch.PixelLabels, seed);
            AssertTogether(batch.Images, batch.PixelLabels!);
            seen.Add(string.Join(',', batch.PixelLabels![..64]));
        }
        Assert.InRange(seen.Count, 25, 40);
    }

    [Theory]
    [InlineData(0.5f, 0)]
    [InlineData(0, 1f)]
    public void Mixtures_are_refused(float mixup, float cutMix)
    {
        var augmentation = new Augmentation { MixupAlpha = mixup, CutMixAlpha = cutMix };
        Assert.Contains("mixupAlpha", Assert.Throws<BitisException>(
            () => augmentation.Apply(new FloatTensor([1, 3, 8, 8]), new ushort[64], seed: 1)).Message);
    }

    /// <summary>The red channel is the label, or both are those of pixels from outside.</summary>
    private static void AssertTogether(FloatTensor images, ushort[] labels)
    {
        int pixels = images.Shape[2] * images.Shape[3];
        for (int i = 0; i < labels.Length; i++)
        {
            float red = images.Span[((i / pixels) * 3 * pixels) + (i % pixels)];
            Assert.Equal(labels[i] == LabelMap.Ignored ? 0 : labels[i] / 255f, red, 1e-6f);
        }
    }

    /// <summary>Images whose red is the label of the pixel, which is one of 0 to 199.</summary>
    private sealed class ColouredLabels(int width, int height) : ImageSource
    {
        public override int Count => 2;

        public override string Description => "coloured labels";

        internal override bool HasPixelLabels => true;

        public override string Name(int index) => $"image {index}";

        public override int? Label(int index) => null;

        internal override string PixelLabelsName(int index) => $"labels {index}";

        internal override (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index)
        {
            ushort[] labels =
            [
                .. Enumerable.Range(0, width * height).Select(i => (ushort)(width * height <= 200
                    ? i
                    : ((i / width * 3) + (i % width * 2)) % 200)),
            ];
            byte[] pixels = [.. labels.SelectMany(label => (byte[])[(byte)label, 7, 9])];
            return (PixelImage.Rgb(width, height, pixels), new LabelMap(width, height, labels));
        }

        protected override PixelImage ReadImage(int index) => ReadWithPixelLabels(index).Image;
    }
}
