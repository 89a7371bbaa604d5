using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.Vim;

/// <summary>Vim, with two scan directions a block.</summary>
internal sealed class VimFamily() : ModelFamily<VimConfig>("vim", ModelJson.Default.VimConfig)
{
    /// <inheritdoc />
    public override IReadOnlyList<string> Marks => ["layers.0.mixer.in_proj.weight"];

    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey("layers.0.mixer.A_b_log");

    /// <inheritdoc />
    public override string? NearMiss(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey("layers.0.mixer.A_log")
        ? "this is a Vim with one scan direction; Bitis runs those with two ('bimamba v2')."
        : null;

    /// <inheritdoc />
    protected override VimConfig DetectConfig(CheckpointTensors tensors) => new VimDetector(tensors).Read();

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(VimConfig config) => new Dictionary<string, string>
    {
        [ModelOptions.ImageSizeOption] = ModelOptions.Text(config.ImageSize),
        [ModelOptions.StrideOption] = ModelOptions.Text(config.Stride),
        [ModelOptions.ClassTokenOption] = ModelOptions.Text(config.ClassToken),
        [ModelOptions.HalvesDirectionsOption] = ModelOptions.Text(config.HalvesDirections),
    };
}
