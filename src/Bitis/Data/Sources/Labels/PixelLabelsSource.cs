using Bitis.Data.LabelMaps;

namespace Bitis.Data.Sources.Labels;

/// <summary>The images of another source, with labels of their pixels from a folder.</summary>
/// <param name="parent">The images.</param>
/// <param name="truth">The labels.</param>
internal sealed class PixelLabelsSource(ImageSource parent, GroundTruth truth) : ImageSource
{
    public override int Count => parent.Count;

    public override string Description => $"{parent.Description}, labels in {truth.Folder}";

    /// <summary>Names of folders are not those of labels.</summary>
    public override IReadOnlyList<string>? ClassNames => null;

    public override IReadOnlyList<string> Notices => parent.Notices;

    public override string? DecoderSettings => parent.DecoderSettings;

    internal override bool HasPixelLabels => true;

    public override string Name(int index) => parent.Name(index);

    public override int? Label(int index) => null;

    internal override string PixelLabelsName(int index) => truth.FileOf(parent.Name(index));

    internal override (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index)
    {
        var labels = truth.Read(parent.Name(index)); // before the work, so that a missing file is told soon
        return (Read(index), labels);
    }

    protected override PixelImage ReadImage(int index) => parent.Read(index);
}
