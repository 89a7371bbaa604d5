using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.VMamba;

/// <summary>Reads the architecture of a VMamba or LocalVMamba from the names and shapes of its tensors.</summary>
/// <remarks>Of a LocalVMamba, only the pyramid.</remarks>
/// <param name="tensors">The checkpoint.</param>
/// <param name="prefix">What precedes the names of the backbone's tensors.</param>
internal sealed class VMambaDetector(CheckpointTensors tensors, string prefix = "")
{
    /// <summary>The first block, from which most values are read.</summary>
    public const string FirstBlock = "layers.0.blocks.0";
    private const int UsualImageSize = 224;

    /// <summary>Reads a classifier.</summary>
    public VMambaConfig Read() => Read(
        tensors.Require("classifier.head.weight", 2, 4)[0],
        tensors.Options.ImageSize
            ?? tensors.Assume(UsualImageSize, $"images have {UsualImageSize}×{UsualImageSize} pixels (--image-size)"));

    /// <summary>Reads the backbone of a model.</summary>
    /// <param name="classes">The model's classes.</param>
    /// <param name="imageSize">The side of its images.</param>
    public VMambaConfig Read(int classes, int imageSize)
    {
        RefuseUnknownForms();
        Shape stem = tensors.Require($"{prefix}patch_embed.0.weight", 4); // [D or D/2, channels, kernel, kernel]
        Shape inner = tensors.Require($"{prefix}{FirstBlock}.op.conv2d.weight", 4); // [E, 1, 3, 3]
        bool hasTwoConvolutions = tensors.Has($"{prefix}patch_embed.5.weight");
        return new VMambaConfig
        {
            ImageSize = imageSize,
            ImageChannels = stem[1],
            Stem = hasTwoConvolutions ? StemKind.Convolutions : StemKind.Patches,
            PatchSize = hasTwoConvolutions ? VMambaConfig.ConvolutionsPatchSize : stem[2],
            Downsampling = tensors.Has($"{prefix}layers.0.downsample.reduction.weight")
                ? DownsamplingKind.PatchMerging
                : DownsamplingKind.Convolution,
            Depths = Depths(),
            Width = tensors.Require($"{prefix}{FirstBlock}.norm.weight", 1)[0],
            InnerWidth = inner[0],
            MlpWidth = tensors.Has($"{prefix}{FirstBlock}.mlp.fc1.weight")
                ? tensors.Require($"{prefix}{FirstBlock}.mlp.fc1.weight", 2, 4)[0]
                : 0,
            StateSize = tensors.Require($"{prefix}{FirstBlock}.op.A_logs", 2)[1],
            HasConvBias = tensors.Has($"{prefix}{FirstBlock}.op.conv2d.bias"),
            IsGated = tensors.Require($"{prefix}{FirstBlock}.op.in_proj.weight", 2, 4)[0] == 2 * inner[0],
            Classes = classes,
        };
    }

    private void RefuseUnknownForms()
    {
        foreach (string name in tensors.Shapes.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            if (name == $"{prefix}pos_embed")
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
        if (tensors.Shapes.TryGetValue($"{prefix}layers.0.downsample.1.weight", out Shape kernel) && kernel.Rank == 4
            && kernel[2] != 3)
        {
            throw Unsupported(
                $"{prefix}layers.0.downsample.1.weight", $"down-sampling by convolutions of {kernel[2]}×{kernel[2]}");
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

    private int DepthOf(int stage) => tensors.Count(block => $"{prefix}layers.{stage}.blocks.{block}.op.x_proj_weight");
}
