namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of images on which a quantized model and its original disagree.</summary>
internal static class DisagreementSection
{
    /// <summary>Creates the section.</summary>
    /// <param name="model">The quantized model.</param>
    /// <param name="original">The model it is compared with.</param>
    /// <param name="images">Where the images are from.</param>
    /// <param name="count">How many images were compared.</param>
    /// <param name="found">The images on which they disagree.</param>
    public static PageSection Create(
        string model, string original, string images, int count, IReadOnlyList<Disagreement> found) =>
        new($"Where {model} and {original} disagree", model)
        {
            Facts =
            [
                ("images", $"{images}; {count} compared"),
                ("other class", $"{DisplayText.Count(found.Count, "image")}, "
                    + Format.Percent((double)found.Count / count)),
            ],
            ImagesTitle = "The first of them",
            Images =
            [
                .. found.Where(one => one.Thumbnail is not null).Select(one => new PageImage(
                    one.Thumbnail!, one.Image,
                    [
                        .. one.Label is null ? (string[])[] : [$"shows {one.Label}"],
                        $"original: {one.Original}", $"quantized: {one.Answer}",
                    ])),
            ],
            Tables = found.Count == 0 ? [] :
            [
                new PageTable(
                    "Images with another class", ["image", "shows", "original", "quantized"],
                    [.. found.Select(one => (string[])[one.Image, one.Label ?? "", one.Original, one.Answer])]),
            ],
        };
}
