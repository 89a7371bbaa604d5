using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>LocalVMamba, a VMamba's pyramid with four scan directions of its own choice in each block.</summary>
internal sealed class LocalVMambaFamily() : ModelFamily<LocalVMambaConfig>("localvmamba", ModelJson.Default.LocalVMambaConfig)
{
    /// <summary>Whether a pyramid's blocks have the gate that merges directions of their own choice.</summary>
    public static bool IsLocal(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey($"{VMambaDetector.FirstBlock}.op.multi_scan.attn.norm.weight");

    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
        VMambaFamily.IsPyramid(tensors) && IsLocal(tensors);

    /// <inheritdoc />
    protected override LocalVMambaConfig DetectConfig(CheckpointTensors tensors)
    {
        VMambaConfig pyramid = new VMambaDetector(tensors).Read();
        return new LocalVMambaConfig(pyramid, PublishedDirections.Of(tensors, "LocalVMamba", pyramid.Depths.Sum(), Published));

        IReadOnlyList<string>? Published(ModelConfig variant)
        {
            bool isSame = variant is LocalVMambaConfig other
                && new LocalVMambaConfig(pyramid, other.Directions) == other with { ImageSize = pyramid.ImageSize, Classes = pyramid.Classes };
            return isSame ? ((LocalVMambaConfig)variant).Directions : null;
        }
    }

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(LocalVMambaConfig config) => new Dictionary<string, string>(VMambaFamily.PyramidOptions(config))
    {
        [ModelOptions.DirectionsOption] = ModelOptions.Text(config.Directions),
    };
}
