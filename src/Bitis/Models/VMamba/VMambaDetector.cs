using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.VMamba;

/// <summary>
/// Reads the architecture of a VMamba, or of the pyramid that a LocalVMamba is, off the names and shapes of its
/// tensors.
/// </summary>
internal sealed class VMambaDetector(CheckpointTensors tensors)
{
    /// <summary>The first block, which tells most.</summary>
    public const string FirstBlock = "layers.0.blocks.0";
    private const int UsualImageSize = 224;

    public VMambaConfig Read()
    {
        RefuseUnknownForms();
        Shape stem = tensors.Require("patch_embed.0.weight", 4); // [D or D/2, channels, kernel, kernel]
        Shape inner = tensors.Require($"{FirstBlock}.op.conv2d.weight", 4); // [E, 1, 3, 3]
        bool hasTwoConvolutions = tensors.Has("patch_embed.5.weight");
        return new VMambaConfig
        {
            ImageSize = tensors.Options.ImageSize
                ?? tensors.Assume(
                    UsualImageSize, $"images have {UsualImageSize}×{UsualImageSize} pixels (--image-size)"),
            ImageChannels = stem[1],
            Stem = hasTwoConvolutions ? StemKind.Convolutions : StemKind.Patches,
            PatchSize = hasTwoConvolutions ? VMambaConfig.ConvolutionsPatchSize : stem[2],
            Downsampling = tensors.Has("layers.0.downsample.reduction.weight")
                ? DownsamplingKind.PatchMerging
                : DownsamplingKind.Convolution,
            Depths = Depths(),
            Width = tensors.Require($"{FirstBlock}.norm.weight", 1)[0],
            InnerWidth = inner[0],
            MlpWidth = tensors.Has($"{FirstBlock}.mlp.fc1.weight")
                ? tensors.Require($"{FirstBlock}.mlp.fc1.weight", 2, 4)[0]
                : 0,
            StateSize = tensors.Require($"{FirstBlock}.op.A_logs", 2)[1],
            HasConvBias = tensors.Has($"{FirstBlock}.op.conv2d.bias"),
            IsGated = tensors.Require($"{FirstBlock}.op.in_proj.weight", 2, 4)[0] == 2 * inner[0],
            Classes = tensors.Require("classifier.head.weight", 2, 4)[0],
        };
    }

    private void RefuseUnknownForms()
    {
        foreach (string name in tensors.Shapes.Keys)
        {
            if (name == "pos_embed")
                throw Unsupported(name, "absolute positions");
            if (name.EndsWith(".running_mean", StringComparison.Ordinal))
                throw Unsupported(name, "batch normalization");
            if (name.Contains(".op.out_norm.", StringComparison.Ordinal)
                && !name.EndsWith(".op.out_norm.weight", StringComparison.Ordinal)
                && !name.EndsWith(".op.out_norm.bias", StringComparison.Ordinal))
            {
                throw Unsupported(name, "another form of 'out_norm' than layer normalization");
            }
        }
        if (tensors.Shapes.TryGetValue("layers.0.downsample.1.weight", out Shape kernel) && kernel.Rank == 4
            && kernel[2] != 3)
        {
            throw Unsupported(
                "layers.0.downsample.1.weight", $"down-sampling by convolutions of {kernel[2]}×{kernel[2]}");
        }
    }

    private BitisException Unsupported(string name, string form) =>
        tensors.Refusal(
            $"tensor '{name}' belongs to a VMamba with {form}, which no published classifier has and Bitis does not "
            + "run.");

    private List<int> Depths()
    {
        var depths = new List<int>();
        while (DepthOf(depths.Count) is > 0 and int depth)
            depths.Add(depth);
        return depths;
    }

    private int DepthOf(int stage) => tensors.Count(block => $"layers.{stage}.blocks.{block}.op.x_proj_weight");
}
