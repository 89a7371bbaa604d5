using Bitis.Tensors;
using Bitis.Training.Images;

namespace Bitis.Tests.Training;

public sealed class AugmentationTests
{
    private const int Batch = 6, Height = 9, Width = 7, Classes = 4, Plane = Height * Width, ImageLength = 3 * Plane;

    private static readonly int[] Labels = [0, 1, 2, 3, 0, 1];

    private static readonly Augmentation Nothing = new() { CropPadding = 0, Flip = false, LabelSmoothing = 0 };

    [Fact]
    public void Without_settings_images_stay_and_targets_are_the_labels()
    {
        (FloatTensor images, FloatTensor targets) = Apply(Nothing, seed: 1);
        Assert.Equal(Numbered().Span, images.Span);
        for (int i = 0; i < Batch; i++)
            Assert.Equal(Enumerable.Range(0, Classes).Select(c => c == Labels[i] ? 1f : 0), Row(targets, i));
    }

    [Fact]
    public void Crops_move_whole_images_by_up_to_the_padding_and_bring_in_zeros()
    {
        var seen = new HashSet<(int, int, bool)>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            FloatTensor images = Apply(Nothing with { CropPadding = 2, Flip = true }, seed).Images;
            for (int i = 0; i < Batch; i++)
                seen.Add(FindMove(images, i, padding: 2));
        }
        Assert.Equal(5 * 5 * 2, seen.Count);
    }

    [Fact]
    public void Flips_mirror_about_half_of_the_images()
    {
        int mirrored = 0;
        for (ulong seed = 0; seed < 100; seed++)
        {
            FloatTensor images = Apply(Nothing with { Flip = true }, seed).Images;
            mirrored += Enumerable.Range(0, Batch).Count(i => FindMove(images, i, padding: 0).Mirrored);
        }
        Assert.InRange(mirrored, 250, 350);
    }

    [Fact]
    public void Smoothing_spreads_its_share_over_all_classes()
    {
        FloatTensor targets = Apply(Nothing with { LabelSmoothing = 0.2f }, seed: 1).Targets;
        AssertClose([0.05f, 0.85f, 0.05f, 0.05f], Row(targets, 1));
    }

    [Fact]
    public void Mixup_blends_pairs_of_images_and_their_targets_alike()
    {
        (FloatTensor images, FloatTensor targets) = ApplyToConstants(Nothing with { MixupAlpha = 1 }, seed: 3);
        var partners = new HashSet<int>();
        for (int i = 0; i < Batch; i++)
        {
            // With one class and one colour for each image, the target says what the pixels must be.
            float[] target = Row(targets, i);
            int partner = Array.FindIndex(target, 0, p => p > 0 && p != target[i]);
            Assert.True(partners.Add(partner), "a permutation has each image as a partner once");
            AssertClose(1, target[i] + target[partner]);
            float expected = target[i] * Color(i) + target[partner] * Color(partner);
            foreach (float pixel in Image(images, i))
                AssertClose(expected, pixel);
        }
    }

    [Fact]
    public void Mixing_keeps_the_smoothing()
    {
        FloatTensor targets = ApplyToConstants(Nothing with { MixupAlpha = 1, LabelSmoothing = 0.3f }, seed: 3).Targets;
        for (int i = 0; i < Batch; i++)
        {
            AssertClose(1, Row(targets, i).Sum());
            Assert.Equal(Batch - 2, Row(targets, i).Count(p => MathF.Abs(p - 0.05f) < 1e-6f));
        }
    }

    [Fact]
    public void CutMix_pastes_one_box_whose_area_is_the_targets_share()
    {
        var shares = new HashSet<float>();
        for (ulong seed = 0; seed < 50; seed++)
        {
            (FloatTensor images, FloatTensor targets) = ApplyToConstants(Nothing with { CutMixAlpha = 1 }, seed);
            for (int i = 0; i < Batch; i++)
            {
                float[] pixels = Image(images, i)[..Plane];
                int[] pasted = [.. Enumerable.Range(0, Plane).Where(p => pixels[p] != Color(i))];
                AssertClose(1 - pasted.Length / (float)Plane, Row(targets, i)[i]);
                if (pasted.Length == 0)
                    continue;
                shares.Add(pasted.Length);
                int partner = Enumerable.Range(0, Batch).Single(b => Color(b) == pixels[pasted[0]]);
                AssertClose(pasted.Length / (float)Plane, Row(targets, i)[partner]);
                Assert.All(pasted, p => Assert.Equal(Color(partner), pixels[p]));
                int columns = pasted.Max(p => p % Width) - pasted.Min(p => p % Width) + 1;
                int rows = pasted.Max(p => p / Width) - pasted.Min(p => p / Width) + 1;
                Assert.Equal(columns * rows, pasted.Length);
                Assert.Equal(pixels, Image(images, i)[Plane..(2 * Plane)]);
            }
        }
        Assert.True(shares.Count > 10);
    }

    [Fact]
    public void With_both_alphas_each_batch_takes_one_of_the_two()
    {
        int blended = 0, pasted = 0;
        for (ulong seed = 0; seed < 100; seed++)
        {
            FloatTensor images = ApplyToConstants(Nothing with { MixupAlpha = 1, CutMixAlpha = 1 }, seed).Images;
            int colors = Image(images, 0).Distinct().Count();
            if (colors == 2)
                pasted++;
            else if (Image(images, 0)[0] != Color(0))
                blended++;
        }
        Assert.InRange(blended, 35, 65);
        Assert.InRange(pasted, 30, 65); // some boxes are empty, or the whole image
    }

    [Fact]
    public void The_result_depends_on_the_seed_and_the_position_alone()
    {
        var all = new Augmentation { CropPadding = 2, MixupAlpha = 0.4f, CutMixAlpha = 1 };
        (FloatTensor images, FloatTensor targets) = Apply(all, seed: 7);
        (FloatTensor again, FloatTensor targetsAgain) = Apply(all, seed: 7);
        Assert.Equal(images.Span, again.Span);
        Assert.Equal(targets.Span, targetsAgain.Span);
        Assert.False(images.Span.SequenceEqual(Apply(all, seed: 8).Images.Span));

        // An image's crop and flip do not depend on how many others there are.
        Augmentation own = all with { MixupAlpha = 0, CutMixAlpha = 0 };
        FloatTensor alone = FloatTensor.From([1, 3, Height, Width], Numbered().Span[..ImageLength]);
        own.Apply(alone, Labels.AsSpan(0, 1), new FloatTensor([1, Classes]), seed: 7);
        Assert.Equal(Image(Apply(own, seed: 7).Images, 0), alone.Span);
    }

    [Fact]
    public void A_single_image_is_never_mixed()
    {
        FloatTensor image = FloatTensor.From([1, 3, Height, Width], Numbered().Span[..ImageLength]),
            targets = new([1, Classes]);
        (Nothing with { MixupAlpha = 1 }).Apply(image, Labels.AsSpan(0, 1), targets, seed: 1);
        Assert.Equal(Numbered().Span[..ImageLength], image.Span);
        Assert.Equal([1f, 0, 0, 0], targets.Span);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    public void A_label_outside_the_classes_is_refused_before_anything_changes(int label)
    {
        FloatTensor images = Numbered(), targets = new([Batch, Classes]);
        BitisException e = Assert.Throws<BitisException>(
            () => new Augmentation { CropPadding = 2 }.Apply(images, [0, 1, label, 3, 0, 1], targets, seed: 1));
        Assert.Equal(
            $"Image 2 of a training batch has the label {label}; the model has 4 classes, so 0 to 3 was expected.",
            e.Message);
        Assert.Equal(Numbered().Span, images.Span);
    }

    [Fact]
    public void Settings_out_of_range_are_named()
    {
        new Augmentation().Validate();
        Assert.Contains("crop padding of -1", Refusal(Nothing with { CropPadding = -1 }));
        Assert.Contains("label smoothing of 1", Refusal(Nothing with { LabelSmoothing = 1 }));
        Assert.Contains("label smoothing of NaN", Refusal(Nothing with { LabelSmoothing = float.NaN }));
        Assert.Contains("mixup has an alpha of -0.5", Refusal(Nothing with { MixupAlpha = -0.5f }));
        Assert.Contains("CutMix has an alpha of NaN", Refusal(Nothing with { CutMixAlpha = float.NaN }));
        BitisException e = Assert.Throws<BitisException>(() => Apply(Nothing with { CropPadding = 7 }, seed: 1));
        Assert.Contains("crop padding of 7 pixels was found; less than the images' 7", e.Message);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_a_callers_mistake()
    {
        FloatTensor images = Numbered(), targets = new([Batch, Classes]);
        Assert.Throws<ArgumentException>(() => Nothing.Apply(images, Labels.AsSpan(1), targets, seed: 1));
        Assert.Throws<ArgumentException>(() => Nothing.Apply(images, Labels, new FloatTensor([Batch]), seed: 1));
        Assert.Throws<ArgumentException>(
            () => Nothing.Apply(images.Reshape([Batch, ImageLength]), Labels, targets, seed: 1));
    }

    private static string Refusal(Augmentation augmentation) =>
        Assert.Throws<BitisException>(augmentation.Validate).Message;

    private static (FloatTensor Images, FloatTensor Targets) Apply(Augmentation augmentation, ulong seed)
    {
        FloatTensor images = Numbered(), targets = new([Batch, Classes]);
        augmentation.Apply(images, Labels, targets, seed);
        return (images, targets);
    }

    /// <summary>As <see cref="Apply"/>, to images of one colour and one class each.</summary>
    private static (FloatTensor Images, FloatTensor Targets) ApplyToConstants(Augmentation augmentation, ulong seed)
    {
        FloatTensor images = new([Batch, 3, Height, Width]), targets = new([Batch, Batch]);
        for (int i = 0; i < Batch; i++)
            images.Span.Slice(i * ImageLength, ImageLength).Fill(Color(i));
        augmentation.Apply(images, [.. Enumerable.Range(0, Batch)], targets, seed);
        return (images, targets);
    }

    private static float Color(int image) => image * image + 1;

    /// <summary>Images in which each pixel has a value of its own, none of them zero.</summary>
    private static FloatTensor Numbered() =>
        FloatTensor.From(
            [Batch, 3, Height, Width], [.. Enumerable.Range(1, Batch * ImageLength).Select(i => (float)i)]);

    /// <summary>The only move and mirroring that explains what became of an image of <see cref="Numbered"/>.</summary>
    private static (int Right, int Down, bool Mirrored) FindMove(FloatTensor images, int index, int padding)
    {
        float[] before = Image(Numbered(), index), after = Image(images, index);
        var found = new List<(int, int, bool)>();
        for (int right = -padding; right <= padding; right++)
        {
            for (int down = -padding; down <= padding; down++)
            {
                foreach (bool mirrored in (bool[])[false, true])
                {
                    if (Enumerable.Range(0, ImageLength).All(p => after[p] == Moved(before, p, right, down, mirrored)))
                        found.Add((right, down, mirrored));
                }
            }
        }
        return Assert.Single(found);
    }

    private static float Moved(float[] before, int pixel, int right, int down, bool mirrored)
    {
        int x = pixel % Width, y = pixel / Width % Height, channel = pixel / Plane;
        int fromX = (mirrored ? Width - 1 - x : x) - right, fromY = y - down;
        bool inside = fromX is >= 0 and < Width && fromY is >= 0 and < Height;
        return inside ? before[channel * Plane + fromY * Width + fromX] : 0;
    }

    private static float[] Image(FloatTensor images, int index) =>
        images.Span.Slice(index * ImageLength, ImageLength).ToArray();

    private static float[] Row(FloatTensor targets, int index) =>
        targets.Span.Slice(index * targets.Shape[1], targets.Shape[1]).ToArray();

    private static void AssertClose(float expected, float actual) =>
        Assert.InRange(actual, expected - 1e-4f, expected + 1e-4f);

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            AssertClose(expected[i], actual[i]);
    }
}
