using Bitis.Tensors;

namespace Bitis.Training.Images;

/// <summary>The partners that were mixed into the images of a batch.</summary>
/// <param name="Partners">For each image, the index of the one that was mixed into it.</param>
/// <param name="PartnerShare">How much of each image is its partner's, 0…1.</param>
internal sealed record BatchMix(int[] Partners, float PartnerShare)
{
    /// <summary>Mixup: each image becomes (1 − s)·itself + s·partner.</summary>
    public static BatchMix Blend(FloatTensor images, float share, SeededRandom random)
    {
        int[] partners = Combine(images, random, (own, partner) =>
        {
            for (int i = 0; i < own.Length; i++)
                own[i] += share * (partner[i] - own[i]);
        });
        return new BatchMix(partners, share);
    }

    /// <summary>CutMix: a box of each image comes from the partner.</summary>
    public static BatchMix Paste(FloatTensor images, PixelBox box, SeededRandom random)
    {
        int height = images.Shape[2], width = images.Shape[3];
        int[] partners = Combine(images, random, (own, partner) =>
        {
            for (int plane = 0; plane < own.Length; plane += height * width)
            {
                for (int y = box.Top; y < box.Top + box.Height; y++)
                {
                    int start = plane + y * width + box.Left;
                    partner.Slice(start, box.Width).CopyTo(own[start..]);
                }
            }
        });
        return new BatchMix(partners, (float)(box.Width * box.Height) / (height * width));
    }

    /// <summary>Combines each image with the next one of a random ring.</summary>
    /// <remarks>
    /// So only the ring's first image has to be kept while the others change, and no image is combined with itself.
    /// </remarks>
    private static int[] Combine(
        FloatTensor images, SeededRandom random, Action<Span<float>, ReadOnlySpan<float>> combine)
    {
        int count = images.Shape[0], length = images.Length / count;
        int[] ring = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(ring);
        float[] first = Image(ring[0]).ToArray();
        int[] partners = new int[count];
        for (int i = 0; i < count; i++)
        {
            int next = ring[(i + 1) % count];
            combine(Image(ring[i]), i + 1 < count ? Image(next) : first);
            partners[ring[i]] = next;
        }
        return partners;

        Span<float> Image(int index) => images.Span.Slice(index * length, length);
    }
}
