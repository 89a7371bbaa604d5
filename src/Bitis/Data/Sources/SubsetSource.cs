using Bitis.Data.LabelMaps;

namespace Bitis.Data.Sources;

/// <summary>Some images of another source, in a given order.</summary>
internal sealed class SubsetSource : ImageSource
{
    private readonly ImageSource _parent;
    private readonly int[] _indices;

    public SubsetSource(ImageSource parent, IReadOnlyList<int> indices)
    {
        foreach (int index in indices)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)parent.Count, nameof(indices));
        _parent = parent;
        _indices = [.. indices];
    }

    public override int Count => _indices.Length;

    public override string Description => $"{Count} of {_parent.Description}";

    public override IReadOnlyList<string>? ClassNames => _parent.ClassNames;

    public override int? ClassCount => _parent.ClassCount;

    internal override bool HasModelLabels => _parent.HasModelLabels;

    public override IReadOnlyList<string> Notices => _parent.Notices;

    public override string? DecoderSettings => _parent.DecoderSettings;

    internal override bool HasPixelLabels => _parent.HasPixelLabels;

    internal override bool HasPoses => _parent.HasPoses;

    public override string Name(int index) => _parent.Name(_indices[index]);

    public override int? Label(int index) => _parent.Label(_indices[index]);

    internal override string PixelLabelsName(int index) => _parent.PixelLabelsName(_indices[index]);

    internal override (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index) =>
        _parent.ReadWithPixelLabels(_indices[index]);

    internal override (PixelImage Image, ShapePose Pose) ReadWithPose(int index) =>
        _parent.ReadWithPose(_indices[index]);

    protected override PixelImage ReadImage(int index) => _parent.Read(_indices[index]);
}
