using Bitis.Models.Families;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Models.Segmentation;

/// <summary>VMamba with the heads of mmsegmentation: UPerHead and FCNHead.</summary>
internal sealed class VMambaSegmentationFamily() : ModelFamily<VMambaSegmentationConfig>(
    "vmamba-segmentation", ModelJson.Default.VMambaSegmentationConfig)
{
    private const string Mark = $"{VMambaSegmentationConfig.DecodeHeadName}.conv_seg.weight";

    /// <inheritdoc />
    public override IReadOnlyList<string> Marks => [Mark];

    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.ContainsKey(Mark) && tensors.ContainsKey(
            $"{VMambaSegmentationConfig.BackbonePrefix}{VMambaDetector.FirstBlock}.op.x_proj_weight");
    }

    /// <inheritdoc />
    public override string? NearMiss(IReadOnlyDictionary<string, Shape> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.ContainsKey(Mark)
            ? $"it has a head for segmentation ('{Mark}'), but its backbone is no VMamba; "
                + "Bitis segments with VMamba only."
            : null;
    }

    /// <inheritdoc />
    internal override IReadOnlyList<string>? ClassNamesOf(CheckpointTensors tensors) =>
        DatasetDescription.Of(tensors).Classes;

    /// <inheritdoc />
    protected override VMambaSegmentationConfig DetectConfig(CheckpointTensors tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return new VMambaSegmentationDetector(tensors).Read();
    }

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(VMambaSegmentationConfig config) =>
        VMambaFamily.PyramidOptions(config);
}
