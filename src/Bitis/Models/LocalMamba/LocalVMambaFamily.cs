using Bitis.Models.Families;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Models.LocalMamba;

/// <summary>LocalVMamba: a VMamba's pyramid whose blocks choose their four scan directions.</summary>
internal sealed class LocalVMambaFamily()
    : ModelFamily<LocalVMambaConfig>("localvmamba", ModelJson.Default.LocalVMambaConfig)
{
    /// <summary>Whether a pyramid's blocks have LocalMamba's gate, which merges the directions.</summary>
    public static bool IsLocal(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey($"{VMambaDetector.FirstBlock}.op.multi_scan.attn.norm.weight");

    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
        VMambaFamily.IsPyramid(tensors) && IsLocal(tensors);

    /// <inheritdoc />
    protected override LocalVMambaConfig DetectConfig(CheckpointTensors tensors)
    {
        VMambaConfig pyramid = new VMambaDetector(tensors).Read();
        int blocks = pyramid.Depths.Sum();
        return new LocalVMambaConfig(pyramid, PublishedDirections.Of(tensors, "LocalVMamba", blocks, Published));

        IReadOnlyList<string>? Published(ModelConfig variant)
        {
            if (variant is not LocalVMambaConfig other)
                return null;
            LocalVMambaConfig resized = other with { ImageSize = pyramid.ImageSize, Classes = pyramid.Classes };
            return new LocalVMambaConfig(pyramid, other.Directions) == resized ? other.Directions : null;
        }
    }

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(LocalVMambaConfig config)
    {
        Dictionary<string, string> options = VMambaFamily.PyramidOptions(config);
        options[ModelOptions.DirectionsOption] = ModelOptions.Text(config.Directions);
        return options;
    }
}
