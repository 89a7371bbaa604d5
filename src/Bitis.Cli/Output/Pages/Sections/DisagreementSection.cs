namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of images on which a quantized model and its original disagree.</summary>
internal static class DisagreementSection
{
    /// <summary>Creates the section.</summary>
    /// <param name="model">The quantized model.</param>
    /// <param name="original">The model it is compared with.</param>
    /// <param name="facts">How many images were compared, and how often the models disagree.</param>
    /// <param name="imagesTitle">What the thumbnails show.</param>
    /// <param name="images">The thumbnails.</param>
    /// <param name="table">The images on which the models disagree.</param>
    public static PageSection Create(
        string model, string original, IReadOnlyList<(string Name, string? Value)> facts, string imagesTitle,
        IReadOnlyList<PageImage> images, PageTable table) =>
        new($"Where {model} and {original} disagree", model)
        {
            Facts = facts,
            ImagesTitle = imagesTitle,
            Images = images,
            Tables = table.Rows.Count == 0 ? [] : [table],
        };
}
