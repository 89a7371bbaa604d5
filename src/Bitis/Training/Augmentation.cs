using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training;

/// <summary>
/// How training images vary: random crop, horizontal flip, label smoothing, and mixtures of two images
/// (mixup, Zhang et al. 2018; CutMix, Yun et al. 2019; if both are on, each batch takes one of them).
/// </summary>
public sealed record Augmentation
{
    /// <summary>Pixels that the image may be shifted in each direction; what is uncovered takes the mean colour.</summary>
    public int CropPadding { get; init; } = 4;

    /// <summary>Whether half of the images are mirrored.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>The probability that is spread evenly over all classes.</summary>
    public float LabelSmoothing { get; init; } = 0.1f;

    /// <summary>α of mixup's Beta(α, α); 0 for none.</summary>
    public float MixupAlpha { get; init; }

    /// <summary>α of CutMix's Beta(α, α); 0 for none.</summary>
    public float CutMixAlpha { get; init; }

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="BitisException">A value is out of range.</exception>
    public void Validate()
    {
        Require(CropPadding is >= 0 and <= 1024, "cropPadding", CropPadding, "0 to 1024 pixels");
        Require(LabelSmoothing is >= 0 and < 1, "labelSmoothing", LabelSmoothing, "at least 0 and less than 1");
        Require(MixupAlpha is >= 0 and <= 100, "mixupAlpha", MixupAlpha, "0 to 100");
        Require(CutMixAlpha is >= 0 and <= 100, "cutMixAlpha", CutMixAlpha, "0 to 100");
    }

    /// <summary>Varies a batch, in place.</summary>
    /// <param name="images">Preprocessed images, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="labels">The class of each.</param>
    /// <param name="targets">Filled with the probability of each class, <c>[batch, classes]</c>.</param>
    /// <param name="seed">The same seed gives the same result.</param>
    public void Apply(Tensor images, ReadOnlySpan<int> labels, Tensor targets, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(targets);
        int batch = images.Shape[0], classes = targets.Shape[1];
        if (images.Shape.Rank != 4 || labels.Length != batch || targets.Shape[0] != batch)
            throw new ArgumentException($"{images.Shape} images, {labels.Length} labels and {targets.Shape} targets do not fit.", nameof(images));
        SetTargets(labels, targets.Span, classes);
        for (int i = 0; i < batch; i++)
            CropAndFlip(images, i, SeededRandom.ForPart(seed, (ulong)i));
        Mix(images, targets, SeededRandom.ForPart(seed, (ulong)batch));
    }

    private static void Require(bool condition, string name, object value, string expected)
    {
        if (!condition)
            throw new BitisException($"The augmentation's {name} is {value}; expected {expected}.");
    }

    private void SetTargets(ReadOnlySpan<int> labels, Span<float> targets, int classes)
    {
        targets.Fill(LabelSmoothing / classes);
        for (int i = 0; i < labels.Length; i++)
            targets[(i * classes) + labels[i]] += 1 - LabelSmoothing;
    }

    private void CropAndFlip(Tensor images, int index, SeededRandom random)
    {
        int channels = images.Shape[1], height = images.Shape[2], width = images.Shape[3];
        int down = random.NextInt32((2 * CropPadding) + 1) - CropPadding;
        int right = random.NextInt32((2 * CropPadding) + 1) - CropPadding;
        bool mirrored = Flip && random.NextInt32(2) == 1;
        if (down == 0 && right == 0 && !mirrored)
            return;
        float[] source = images.Span.Slice(index * channels * height * width, channels * height * width).ToArray();
        Span<float> target = images.Span.Slice(index * source.Length, source.Length);
        target.Clear();
        int from = Math.Max(0, right), to = Math.Min(width, width + right);
        for (int line = 0; line < channels * height; line++)
        {
            int y = (line % height) - down;
            if (y < 0 || y >= height || from >= to)
                continue;
            ReadOnlySpan<float> pixels = source.AsSpan((line - down) * width, width)[(from - right)..(to - right)];
            Span<float> row = target.Slice(line * width, width);
            pixels.CopyTo(row[from..to]);
            if (mirrored)
                row.Reverse();
        }
    }

    private void Mix(Tensor images, Tensor targets, SeededRandom random)
    {
        bool cuts = CutMixAlpha > 0 && (MixupAlpha == 0 || random.NextInt32(2) == 1);
        float alpha = cuts ? CutMixAlpha : MixupAlpha;
        if (alpha == 0)
            return;
        float share = (float)BetaDistribution.Sample(alpha, alpha, random);
        int batch = images.Shape[0], length = images.Length / batch, classes = targets.Shape[1];
        int[] partners = [.. Enumerable.Range(0, batch)];
        random.Shuffle<int>(partners);
        float[] others = images.Span.ToArray(), otherTargets = targets.Span.ToArray();
        if (cuts)
            share = Cut(images, others, partners, share, random);
        for (int i = 0; i < batch; i++)
        {
            if (!cuts)
                Blend(images.Span.Slice(i * length, length), others.AsSpan(partners[i] * length, length), share);
            Blend(targets.Span.Slice(i * classes, classes), otherTargets.AsSpan(partners[i] * classes, classes), share);
        }
    }

    /// <summary>Replaces one rectangle of every image by its partner's.</summary>
    /// <returns>The share of the image that is left.</returns>
    private static float Cut(Tensor images, float[] others, int[] partners, float share, SeededRandom random)
    {
        int batch = images.Shape[0], channels = images.Shape[1], height = images.Shape[2], width = images.Shape[3];
        double side = Math.Sqrt(1 - share);
        int centerY = random.NextInt32(height), centerX = random.NextInt32(width);
        int top = Math.Clamp(centerY - (int)(height * side / 2), 0, height), bottom = Math.Clamp(centerY + (int)(height * side / 2), 0, height);
        int left = Math.Clamp(centerX - (int)(width * side / 2), 0, width), right = Math.Clamp(centerX + (int)(width * side / 2), 0, width);
        for (int line = 0; line < batch * channels * height; line++)
        {
            int y = line % height, image = line / (channels * height);
            if (y < top || y >= bottom)
                continue;
            int partnerLine = (partners[image] * channels * height) + (line % (channels * height));
            others.AsSpan((partnerLine * width) + left, right - left).CopyTo(images.Span[((line * width) + left)..]);
        }
        return 1 - ((float)(bottom - top) * (right - left) / (height * width));
    }

    private static void Blend(Span<float> values, Span<float> others, float share)
    {
        TensorPrimitives.Multiply(values, share, values);
        TensorPrimitives.MultiplyAdd(others, 1 - share, values, values);
    }
}
