namespace Bitis.Data;

/// <summary>Images that an application has already decoded.</summary>
internal sealed class InMemoryImageSource : ImageSource
{
    private readonly IReadOnlyList<LabeledImage> _images;

    /// <summary>Creates a source from images. The list must not change afterwards.</summary>
    /// <param name="images">At least one image.</param>
    /// <param name="classNames">The names of the classes by index, if there are any.</param>
    /// <exception cref="BitisException">There is no image, or a label is negative or has no name.</exception>
    public InMemoryImageSource(IReadOnlyList<LabeledImage> images, IReadOnlyList<string>? classNames = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0)
            throw new BitisException("An image source in memory needs at least one image.");
        foreach (LabeledImage image in images)
        {
            if (image.Label < 0)
                throw BitisException.InFile(image.Name, $"the label {image.Label} is negative.");
            if (image.Label >= classNames?.Count)
            {
                throw BitisException.InFile(
                    image.Name,
                    $"the label {image.Label} is not among the {DisplayText.Count(classNames.Count, "class")}.");
            }
        }
        _images = images;
        ClassNames = classNames;
    }

    /// <inheritdoc />
    public override int Count => _images.Count;

    /// <inheritdoc />
    public override string Description => $"{DisplayText.Count(Count, "image")} in memory";

    /// <inheritdoc />
    public override IReadOnlyList<string>? ClassNames { get; }

    /// <inheritdoc />
    public override string Name(int index) => _images[index].Name;

    /// <inheritdoc />
    public override int? Label(int index) => _images[index].Label;

    /// <inheritdoc />
    protected override PixelImage ReadImage(int index) => _images[index].Image;
}
