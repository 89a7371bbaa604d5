using Bitis.Models.Families;
using Bitis.Models.LocalMamba;
using Bitis.Tensors;

namespace Bitis.Models.VMamba;

/// <summary>VMamba, a pyramid of blocks that scan a grid in four directions.</summary>
internal sealed class VMambaFamily() : ModelFamily<VMambaConfig>("vmamba", ModelJson.Default.VMambaConfig)
{
    /// <summary>The name of the first block's projection in older training code.</summary>
    private const string MarkOfOldNames = "layers.0.blocks.0.self_attention.x_proj_weight";

    /// <inheritdoc />
    public override IReadOnlyList<string> Marks => ["layers.0.blocks.0.op.in_proj.weight", MarkOfOldNames];

    /// <summary>Whether the tensors are those of a VMamba or LocalVMamba.</summary>
    public static bool IsPyramid(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey($"{VMambaDetector.FirstBlock}.op.x_proj_weight");

    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
        IsPyramid(tensors) && !LocalVMambaFamily.IsLocal(tensors);

    /// <inheritdoc />
    public override Func<string, string>? RenameFrom(IReadOnlyCollection<string> names) =>
        names.Contains(MarkOfOldNames) ? VMambaOldNames.Today : null;

    /// <summary>The options of a pyramid, whose tensors do not tell the size of images.</summary>
    public static Dictionary<string, string> PyramidOptions(VMambaConfig config) => new()
    {
        [ModelOptions.ImageSizeOption] = ModelOptions.Text(config.ImageSize),
    };

    /// <inheritdoc />
    protected override VMambaConfig DetectConfig(CheckpointTensors tensors) => new VMambaDetector(tensors).Read();

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(VMambaConfig config) => PyramidOptions(config);
}
