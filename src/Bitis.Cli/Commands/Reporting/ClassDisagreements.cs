using System.Numerics.Tensors;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Pages.Sections;
using Bitis.Data;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>The images that two models take for different classes.</summary>
internal static class ClassDisagreements
{
    private const int BatchSize = 8;

    /// <summary>Compares the answers of both models.</summary>
    /// <param name="pair">The models.</param>
    /// <param name="images">The images.</param>
    /// <param name="description">Where they are from.</param>
    public static PageSection Find(ModelPair pair, ImageSource images, string description)
    {
        using InferenceSession session = pair.Model.CreateSession(pair.Options, pair.Cancellation);
        using InferenceSession original = pair.Original.CreateSession(pair.Options, pair.Cancellation);
        var found = new List<string[]>();
        var thumbnails = new List<PageImage>();
        int done = 0;
        foreach (ImageBatch batch in ImageLoader.Load(
            images, pair.Model.Preprocessing, BatchSize, pair.Threads, pair.Cancellation))
        {
            FloatTensor ours = session.Run(batch.Images, pair.Cancellation);
            FloatTensor theirs = original.Run(batch.Images, pair.Cancellation);
            for (int i = 0; i < batch.Count; i++)
            {
                int answer = First(ours, i), expected = First(theirs, i);
                if (answer == expected)
                    continue;
                string? label =
                    batch.Labels[i] is { } number ? images.ClassNames?[number] ?? $"class {number}" : null;
                found.Add([batch.Names[i], label ?? "", pair.NameOf(expected), pair.NameOf(answer)]);
                if (thumbnails.Count == Thumbnail.Most)
                    continue;
                thumbnails.Add(new PageImage(
                    Thumbnail.Png(Thumbnail.Small(images.Read(batch.StartIndex + i))), batch.Names[i],
                    [
                        .. label is null ? (string[])[] : [$"shows {label}"],
                        $"original: {pair.NameOf(expected)}", $"quantized: {pair.NameOf(answer)}",
                    ]));
            }
            done += batch.Count;
            pair.Progress.Report(new WorkProgress("comparing", done, images.Count));
        }
        return DisagreementSection.Create(
            pair.Model.Reference, pair.Original.Reference,
            [
                ("images", $"{description}; {done} compared"),
                ("other class", $"{DisplayText.Count(found.Count, "image")}, "
                    + Format.Percent((double)found.Count / done)),
            ],
            "The first of them", thumbnails,
            new PageTable("Images with another class", ["image", "shows", "original", "quantized"], found));
    }

    private static int First(FloatTensor logits, int image)
    {
        int classes = logits.Shape[^1];
        return TensorPrimitives.IndexOfMax<float>(logits.Span.Slice(image * classes, classes));
    }
}
