using Bitis.Cli.Output;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Pages.Sections;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>The images in which two models give pixels different classes, those with the most of them first.</summary>
internal static class PixelDisagreements
{
    private const double Opacity = 0.6, Dimmed = 0.35;
    private static readonly byte[] Changed = [255, 0, 160];

    /// <summary>Compares the maps of both models.</summary>
    /// <param name="pair">The models.</param>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    public static PageSection Find(ModelPair pair, ImageSource images, string description)
    {
        using SegmentationSession session = pair.Model.CreateSegmentation(pair.Options, pair.Cancellation);
        using SegmentationSession original = pair.Original.CreateSegmentation(pair.Options, pair.Cancellation);
        var found = new List<(double Share, string Name, string Change)>();
        var pictures = new PriorityQueue<PageImage, double>(); // the least is the first to go
        long all = 0, changed = 0;
        for (int i = 0; i < images.Count; i++)
        {
            PixelImage image = images.Read(i);
            SegmentationMap ours = session.Segment(image, cancellationToken: pair.Cancellation);
            SegmentationMap theirs = original.Segment(image, cancellationToken: pair.Cancellation);
            pair.Progress.Report(new WorkProgress("comparing", i + 1, images.Count));
            (int count, string change) = Compare(pair, ours, theirs);
            all += ours.Classes.Length;
            changed += count;
            if (count == 0)
                continue;
            double share = (double)count / ours.Classes.Length;
            found.Add((share, images.Name(i), change));
            if (pictures.Count == Thumbnail.Most && pictures.TryPeek(out _, out double least) && least >= share)
                continue;
            pictures.Enqueue(
                new PageImage(
                    Thumbnail.Png(Picture(image, ours, theirs, session.Palette.Span)), images.Name(i),
                    [$"{Format.Percent(share)} of the pixels differ", $"most often {change}"]),
                share);
            if (pictures.Count > Thumbnail.Most)
                pictures.Dequeue();
        }
        var worst = new List<PageImage>();
        while (pictures.TryDequeue(out PageImage? picture, out _))
            worst.Insert(0, picture);
        return DisagreementSection.Create(
            pair.Model.Reference, pair.Original.Reference,
            [
                ("images", $"{description}; {images.Count} compared"),
                ("other class", $"{Format.Percent((double)changed / all)} of the pixels, in "
                    + DisplayText.Count(found.Count, "image")),
            ],
            "The most different: classes of the original, of the quantized model, and in pink the pixels that differ",
            worst,
            new PageTable(
                "Images with pixels of another class", ["image", ">pixels that differ, %", "most often"],
                [
                    .. found.OrderByDescending(one => one.Share).Select(one => (string[])
                        [one.Name, PageText.Percent(one.Share), one.Change]),
                ])) with
        {
            HasWideImages = true,
        };
    }

    /// <summary>How many pixels differ, and the most frequent change.</summary>
    private static (int Count, string Change) Compare(ModelPair pair, SegmentationMap ours, SegmentationMap theirs)
    {
        var changes = new Dictionary<(int From, int To), int>();
        for (int i = 0; i < ours.Classes.Length; i++)
        {
            if (ours.Classes[i] != theirs.Classes[i])
            {
                (int, int) change = (theirs.Classes[i], ours.Classes[i]);
                changes[change] = changes.GetValueOrDefault(change) + 1;
            }
        }
        if (changes.Count == 0)
            return (0, "");
        (int from, int to) = changes.MaxBy(entry => entry.Value).Key;
        return (changes.Values.Sum(), $"{pair.NameOf(from)} → {pair.NameOf(to)}");
    }

    private static PixelImage Picture(
        PixelImage image, SegmentationMap ours, SegmentationMap theirs, ReadOnlySpan<byte> palette)
    {
        byte[] pixels = image.WithChannels(PixelImage.RgbChannels).Pixels.ToArray();
        for (int i = 0; i < pixels.Length; i++)
        {
            int pixel = i / PixelImage.RgbChannels;
            pixels[i] = ours.Classes[pixel] == theirs.Classes[pixel]
                ? (byte)(pixels[i] * Dimmed)
                : Changed[i % PixelImage.RgbChannels];
        }
        return Thumbnail.SideBySide(
            Thumbnail.Small(SegmentationPictures.Mix(image, theirs, palette, Opacity)),
            Thumbnail.Small(SegmentationPictures.Mix(image, ours, palette, Opacity)),
            Thumbnail.Small(PixelImage.Rgb(image.Width, image.Height, pixels)));
    }
}
