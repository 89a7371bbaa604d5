using Bitis.Data;
using Bitis.Data.LabelMaps;
using Bitis.Tensors;

namespace Bitis.Training.Images;

/// <summary>
/// How training images and their targets are varied, so that each epoch shows each image differently.
/// </summary>
/// <remarks>
/// There are random crops of the padded image, mirroring, label smoothing (Szegedy et al. 2016), mixup (Zhang et al.
/// 2018) and CutMix (Yun et al. 2019).
/// </remarks>
public sealed record Augmentation
{
    /// <summary>The random stream of the batch as a whole. An image's stream is its position.</summary>
    private const ulong BatchStream = ulong.MaxValue;

    /// <summary>The largest shift of an image, in pixels, in each direction; 0 for none.</summary>
    /// <remarks>Pixels that are shifted in are zero, the mean colour.</remarks>
    public int CropPadding { get; init; } = 4;

    /// <summary>Whether images are mirrored left to right at random, half of them on average.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>The probability that is moved from the true class to all classes; at least 0, less than 1.</summary>
    public float LabelSmoothing { get; init; } = 0.1f;

    /// <summary>Mixup's α: images are blended in proportions drawn from Beta(α, α). 0 for never.</summary>
    public float MixupAlpha { get; init; }

    /// <summary>CutMix's α: a box comes from another image, with a share of the area drawn from Beta(α, α).</summary>
    /// <remarks>0 for never. If both alphas are positive, each batch takes one of the two at random.</remarks>
    public float CutMixAlpha { get; init; }

    /// <summary>Checks that all values are in their ranges.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        if (CropPadding < 0)
        {
            throw new BitisException(
                $"Augmentation: a crop padding of {CropPadding} pixels was found; 0 (no crop) or more was expected.");
        }

        if (!(LabelSmoothing is >= 0 and < 1))
        {
            throw new BitisException(
                $"Augmentation: a label smoothing of {LabelSmoothing} was found; at least 0 and less than 1 was "
                + "expected.");
        }

        ValidateAlpha("mixup", MixupAlpha);
        ValidateAlpha("CutMix", CutMixAlpha);
    }

    /// <summary>Changes a batch in place and computes its targets.</summary>
    /// <remarks>
    /// The result depends on the arguments alone. So each batch of a training needs a seed of its own.
    /// </remarks>
    /// <param name="images">Preprocessed images, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="labels">The class of each image.</param>
    /// <param name="targets">
    /// Receives the probabilities that the model should give, <c>[batch, classes]</c>; rows sum to 1.
    /// </param>
    /// <param name="seed">The seed of the random numbers.</param>
    /// <exception cref="BitisException">
    /// A setting or a label is out of its range, or the padding is not smaller than the images; nothing has been
    /// changed.
    /// </exception>
    /// <exception cref="ArgumentException">The shapes do not fit each other.</exception>
    public void Apply(FloatTensor images, ReadOnlySpan<int> labels, FloatTensor targets, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(targets);
        CheckShapes(images.Shape, labels.Length, targets.Shape);
        Validate();
        CheckLabels(labels, targets.Shape[1]);
        RequirePadding(images.Shape);
        for (int i = 0; i < labels.Length; i++)
            CropAndFlip(images, i, SeededRandom.ForPart(seed, (ulong)i));
        FillTargets(targets, labels, Mix(images, SeededRandom.ForPart(seed, BatchStream)));
    }

    /// <summary>Moves and mirrors a batch in place, and the labels of its pixels alike.</summary>
    /// <remarks>Pixels that are shifted in have no label.</remarks>
    /// <param name="images">Preprocessed images, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="labels">The label of each pixel, <c>[batch, height, width]</c>.</param>
    /// <param name="seed">The seed of the random numbers; each batch needs one of its own.</param>
    /// <exception cref="BitisException">A setting is out of its range or mixes images.</exception>
    internal void Apply(FloatTensor images, Span<ushort> labels, ulong seed)
    {
        RequireUnmixed();
        RequirePadding(images.Shape);
        (int height, int width) = (images.Shape[2], images.Shape[3]);
        for (int i = 0; i < images.Shape[0]; i++)
        {
            var move = CropAndFlip(images, i, SeededRandom.ForPart(seed, (ulong)i));
            move.Apply(labels.Slice(i * height * width, height * width), width, LabelMap.Ignored);
        }
    }

    /// <summary>Moves and mirrors a batch in place, and the poses of its shapes alike.</summary>
    /// <remarks>An image is not mirrored if its shape would be another one then.</remarks>
    /// <param name="images">Preprocessed images, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="poses">The pose of the shape in each image.</param>
    /// <param name="seed">The seed of the random numbers; each batch needs one of its own.</param>
    /// <exception cref="BitisException">A setting is out of its range or mixes images.</exception>
    internal void Apply(FloatTensor images, Span<ShapePose> poses, ulong seed)
    {
        RequireUnmixed();
        RequirePadding(images.Shape);
        int width = images.Shape[3];
        for (int i = 0; i < poses.Length; i++)
        {
            ShapePose pose = poses[i];
            ImageMove move = CropAndFlip(images, i, SeededRandom.ForPart(seed, (ulong)i), pose.IsSymmetric);
            pose = pose with { X = pose.X + move.Right, Y = pose.Y + move.Down };
            poses[i] = move.IsMirrored ? pose with { X = width - pose.X, Angle = -pose.Angle } : pose;
        }
    }

    /// <summary>Checks that images are not mixed, since the targets of these have no mixture.</summary>
    /// <exception cref="BitisException">An alpha is positive.</exception>
    internal void RequireUnmixed()
    {
        Validate();
        if (MixupAlpha > 0 || CutMixAlpha > 0)
        {
            throw new BitisException(
                "Augmentation: mixup and CutMix mix the classes of whole images, which this training does not learn. "
                + "Set mixupAlpha and cutMixAlpha to 0.");
        }
    }

    private void RequirePadding(Shape images)
    {
        int side = Math.Min(images[2], images[3]);
        if (CropPadding > 0 && CropPadding >= side)
        {
            throw new BitisException(
                $"Augmentation: a crop padding of {DisplayText.Count(CropPadding, "pixel")} was found; less "
                    + $"than the images' {side} was expected.");
        }
    }

    /// <summary>Changes an image, and says how.</summary>
    private ImageMove CropAndFlip(FloatTensor images, int index, SeededRandom random, bool mayFlip = true)
    {
        int channels = images.Shape[1], height = images.Shape[2], width = images.Shape[3];
        int right = random.NextInt32(2 * CropPadding + 1) - CropPadding;
        int down = random.NextInt32(2 * CropPadding + 1) - CropPadding;
        bool flip = Flip && mayFlip && random.NextInt32(2) == 1;
        var move = new ImageMove(right, down, flip);
        for (int channel = 0; channel < channels; channel++)
        {
            int start = (index * channels + channel) * height * width;
            move.Apply(images.Span.Slice(start, height * width), width, 0f);
        }
        return move;
    }

    /// <summary>Mixes the images as the alphas say; returns null if they stay as they are.</summary>
    private BatchMix? Mix(FloatTensor images, SeededRandom random)
    {
        bool cut = CutMixAlpha > 0 && (MixupAlpha <= 0 || random.NextInt32(2) == 1);
        float alpha = cut ? CutMixAlpha : MixupAlpha;
        if (alpha <= 0 || images.Shape[0] < 2)
            return null;
        float partnerShare = (float)random.NextBeta(alpha, alpha);
        return cut
            ? BatchMix.Paste(images, PixelBox.Draw(images.Shape[2], images.Shape[3], partnerShare, random), random)
            : BatchMix.Blend(images, partnerShare, random);
    }

    private void FillTargets(FloatTensor targets, ReadOnlySpan<int> labels, BatchMix? mix)
    {
        int classes = targets.Shape[1];
        float certainty = 1 - LabelSmoothing;
        targets.Span.Fill(LabelSmoothing / classes);
        for (int i = 0; i < labels.Length; i++)
        {
            Span<float> row = targets.Span.Slice(i * classes, classes);
            float partnerShare = mix?.PartnerShare ?? 0;
            row[labels[i]] += certainty * (1 - partnerShare);
            if (mix is not null)
                row[labels[mix.Partners[i]]] += certainty * partnerShare;
        }
    }

    private static void CheckShapes(Shape images, int labels, Shape targets)
    {
        if (images.Rank != 4 || targets.Rank != 2 || targets[1] == 0)
        {
            throw new ArgumentException(
                $"Images {images} and targets {targets} are not [batch, channels, height, width] and [batch, classes].",
                nameof(images));
        }

        if (images[0] != labels || targets[0] != labels)
        {
            throw new ArgumentException(
                $"{labels} labels were given for images {images} and targets {targets}.", nameof(labels));
        }
    }

    private static void CheckLabels(ReadOnlySpan<int> labels, int classes)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)classes)
            {
                throw new BitisException(
                    $"Image {i} of a training batch has the label {labels[i]}; the model has "
                        + $"{DisplayText.Count(classes, "class")}, so 0 to {classes - 1} was expected.");
            }
        }
    }

    private static void ValidateAlpha(string name, float alpha)
    {
        if (!(alpha >= 0) || !float.IsFinite(alpha))
        {
            throw new BitisException(
                $"Augmentation: {name} has an alpha of {alpha}; 0 (never) or a positive number was expected.");
        }
    }
}
