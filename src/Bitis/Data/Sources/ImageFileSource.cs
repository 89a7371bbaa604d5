using Bitis.Data.Decoding;
using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources;

/// <summary>Image files of a tree, with or without labels.</summary>
/// <param name="tree">The tree with the files; the source owns it.</param>
/// <param name="decoder">The image decoder.</param>
/// <param name="images">Each image's file and label.</param>
/// <param name="classNames">The names of the classes by index, if they are known.</param>
/// <param name="classCount">The number of classes, if it is known.</param>
/// <param name="notices">Sentences about files that were left out.</param>
/// <param name="hasModelLabels">Whether labels are the model's own class numbers.</param>
internal sealed class ImageFileSource(
    FileTree tree,
    IImageDecoder decoder,
    IReadOnlyList<(string File, int? Label)> images,
    IReadOnlyList<string>? classNames,
    int? classCount,
    IReadOnlyList<string>? notices = null,
    bool hasModelLabels = false) : ImageSource
{
    public override int Count => images.Count;

    public override string Description => string.Join(
        ", ",
        ((string?[])
        [
            tree.Path,
            DisplayText.Count(Count, "image"),
            classNames is null ? null : DisplayText.Count(classNames.Count, "class"),
            DecoderSettings,
        ]).OfType<string>());

    public override string? DecoderSettings => decoder.Settings;

    public override IReadOnlyList<string>? ClassNames => classNames;

    public override int? ClassCount => classCount;

    internal override bool HasModelLabels => hasModelLabels;

    public override IReadOnlyList<string> Notices => notices ?? [];

    public override string Name(int index) => images[index].File;

    public override int? Label(int index) => images[index].Label;

    protected override PixelImage ReadImage(int index)
    {
        string file = images[index].File;
        return decoder.Decode(tree.Read(file, ImageLimits.MaxFileBytes), tree.FullName(file));
    }

    protected override void Dispose(bool disposing)
    {
        tree.Dispose();
        base.Dispose(disposing);
    }
}
