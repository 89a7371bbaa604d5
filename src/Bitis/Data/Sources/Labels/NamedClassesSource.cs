using Bitis.Data.LabelMaps;

namespace Bitis.Data.Sources.Labels;

/// <summary>The images of another source, with names for its classes.</summary>
/// <param name="parent">The images.</param>
/// <param name="names">The names, by label.</param>
internal sealed class NamedClassesSource(ImageSource parent, IReadOnlyList<string> names) : ImageSource
{
    public override int Count => parent.Count;

    public override string Description => parent.Description;

    public override IReadOnlyList<string> ClassNames => names;

    internal override bool HasModelLabels => parent.HasModelLabels;

    public override IReadOnlyList<string> Notices => parent.Notices;

    public override string? DecoderSettings => parent.DecoderSettings;

    internal override bool HasPixelLabels => parent.HasPixelLabels;

    internal override bool HasPoses => parent.HasPoses;

    public override string Name(int index) => parent.Name(index);

    public override int? Label(int index) => parent.Label(index);

    internal override string PixelLabelsName(int index) => parent.PixelLabelsName(index);

    internal override (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index) =>
        parent.ReadWithPixelLabels(index);

    internal override (PixelImage Image, ShapePose Pose) ReadWithPose(int index) => parent.ReadWithPose(index);

    protected override PixelImage ReadImage(int index) => parent.Read(index);
}
