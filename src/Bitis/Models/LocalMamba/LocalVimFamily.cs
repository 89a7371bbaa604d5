using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.LocalMamba;

/// <summary>LocalVim: a Vim whose blocks choose their four scan directions.</summary>
internal sealed class LocalVimFamily() : ModelFamily<LocalVimConfig>("localvim", ModelJson.Default.LocalVimConfig)
{
    /// <inheritdoc />
    public override bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) =>
        tensors.ContainsKey("layers.0.mixer.A_log_0");

    /// <inheritdoc />
    protected override LocalVimConfig DetectConfig(CheckpointTensors tensors) => new LocalVimDetector(tensors).Read();

    /// <inheritdoc />
    protected override IReadOnlyDictionary<string, string> OptionsOf(LocalVimConfig config) =>
        new Dictionary<string, string>
        {
            [ModelOptions.ImageSizeOption] = ModelOptions.Text(config.ImageSize),
            [ModelOptions.DirectionsOption] = ModelOptions.Text(config.Directions),
        };
}
