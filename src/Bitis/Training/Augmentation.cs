using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>Stands in for the augmentation: labels are smoothed, images stay as they are but for a seeded flip.</summary>
public sealed record Augmentation
{
    /// <summary>Pixels that the image may be shifted in each direction.</summary>
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
        if (!(LabelSmoothing is >= 0 and < 1))
            throw new BitisException($"The augmentation's labelSmoothing is {LabelSmoothing}; expected at least 0 and less than 1.");
    }

    /// <summary>Varies a batch, in place.</summary>
    public void Apply(Tensor images, ReadOnlySpan<int> labels, Tensor targets, ulong seed)
    {
        int classes = targets.Shape[1], width = images.Shape[3], length = images.Length / labels.Length;
        targets.Span.Fill(LabelSmoothing / classes);
        for (int i = 0; i < labels.Length; i++)
        {
            targets.Span[i * classes + labels[i]] += 1 - LabelSmoothing;
            if (Flip && SeededRandom.ForPart(seed, (ulong)i).NextInt32(2) == 1)
            {
                for (int row = 0; row < length; row += width)
                    images.Span.Slice(i * length + row, width).Reverse();
            }
        }
    }
}
