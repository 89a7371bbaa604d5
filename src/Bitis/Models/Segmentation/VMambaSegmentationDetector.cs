using Bitis.Models.Families;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Models.Segmentation;

/// <summary>Reads the architecture of a VMamba with heads from the names and shapes of its tensors.</summary>
internal sealed class VMambaSegmentationDetector(CheckpointTensors tensors)
{
    /// <summary>The shorter side of images in the published evaluations.</summary>
    private const int UsualImageSize = 512;

    public VMambaSegmentationConfig Read()
    {
        int classes = tensors.Require($"{VMambaSegmentationConfig.DecodeHeadName}.conv_seg.weight", 2, 4)[0];
        int size = tensors.Options.ImageSize ?? tensors.Assume(
            UsualImageSize, $"the shorter side of images is resized to {UsualImageSize} pixels (--image-size)");
        var detector = new VMambaDetector(tensors, VMambaSegmentationConfig.BackbonePrefix);
        VMambaConfig backbone = detector.Read(classes, size);
        DatasetDescription data = DatasetDescription.Of(tensors);
        return new VMambaSegmentationConfig(backbone, Head(VMambaSegmentationConfig.DecodeHeadName, backbone))
        {
            AuxiliaryHead = tensors.Has($"{VMambaSegmentationConfig.AuxiliaryHeadName}.conv_seg.weight")
                ? Head(VMambaSegmentationConfig.AuxiliaryHeadName, backbone)
                : null,
            Palette = data.Palette.Count == classes ? data.Palette : [],
            ReducesZeroLabel = data.ReducesZeroLabel,
        };
    }

    private HeadConfig Head(string name, VMambaConfig backbone) =>
        tensors.Has($"{name}.fpn_bottleneck.conv.weight") ? UPer(name, backbone)
        : tensors.Has($"{name}.convs.0.conv.weight") ? Fcn(name, backbone)
        : throw tensors.Refusal(
            $"'{name}' is neither a UPerHead nor an FCNHead: expected '{name}.fpn_bottleneck.conv.weight' or "
            + $"'{name}.convs.0.conv.weight'.");

    private HeadConfig UPer(string name, VMambaConfig backbone)
    {
        int scales = tensors.Count(i => $"{name}.psp_modules.{i}.1.conv.weight");
        if (scales != HeadConfig.PoolScales.Count)
        {
            throw tensors.Refusal(
                $"'{name}' pools at {scales} scales; expected the {HeadConfig.PoolScales.Count} of all published "
                + $"models, {string.Join(", ", HeadConfig.PoolScales)}.");
        }
        int maps = tensors.Count(i => $"{name}.lateral_convs.{i}.conv.weight") + 1;
        if (maps != backbone.Depths.Count)
            throw tensors.Refusal($"'{name}' reads {maps} maps; the backbone has {backbone.Depths.Count} stages.");
        return new HeadConfig
        {
            Kind = HeadKind.UPer,
            Channels = tensors.Require($"{name}.fpn_bottleneck.conv.weight", 4)[0],
        };
    }

    private HeadConfig Fcn(string name, VMambaConfig backbone)
    {
        Shape first = tensors.Require($"{name}.convs.0.conv.weight", 4); // [channels, in, kernel, kernel]
        int stage = Enumerable.Range(0, backbone.Depths.Count).FirstOrDefault(
            stage => backbone.Width << stage == first[1], -1);
        if (stage < 0)
        {
            throw tensors.Refusal(
                $"'{name}' reads a map of {DisplayText.Count(first[1], "channel")}; no stage of the backbone has it.");
        }
        return new HeadConfig
        {
            Kind = HeadKind.Fcn,
            Channels = first[0],
            Stage = stage,
            Convolutions = tensors.Count(i => $"{name}.convs.{i}.conv.weight"),
            KernelSize = first[2],
            ConcatenatesInput = tensors.Has($"{name}.conv_cat.conv.weight"),
        };
    }
}
