using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Models.LocalMamba;

/// <summary>Reads a LocalVim's architecture off the names and shapes of its tensors.</summary>
internal sealed class LocalVimDetector(CheckpointTensors tensors)
{
    private const string FirstMixer = "layers.0.mixer";

    public LocalVimConfig Read()
    {
        int directions = tensors.Count(k => $"{FirstMixer}.A_log_{k}");
        if (directions != ScanDirection.PerBlock)
        {
            throw tensors.Refusal(
                $"a block has {DisplayText.Count(directions, "scan direction")}; Bitis runs models with "
                    + $"{ScanDirection.PerBlock}, not those that search for directions.");
        }
        Shape patches = tensors.Require("patch_embed.proj.weight", 4); // [D, channels, patch, patch]
        Shape aLog = tensors.Require($"{FirstMixer}.A_log_0", 2); // [E, N]
        bool hasClassToken = tensors.Has("cls_token");
        int depth = tensors.Count(i => $"layers.{i}.mixer.A_log_0");
        var config = new LocalVimConfig
        {
            ImageSize = tensors.GridSide("pos_embed", hasClassToken) * patches[2],
            ImageChannels = patches[1],
            PatchSize = patches[2],
            Width = patches[0],
            InnerWidth = aLog[0],
            StateSize = aLog[1],
            DeltaRank = tensors.Require($"{FirstMixer}.dt_proj_0.weight", 2)[1],
            ConvKernelSize = tensors.Require($"{FirstMixer}.conv1d_0.weight", 3)[2],
            Directions = [],
            HasClassToken = hasClassToken,
            HasRotaryPositions = tensors.Has(LocalVimConfig.RotaryCosines),
            Norm = tensors.Has("norm_f.bias") ? NormKind.Layer : NormKind.Rms,
            Classes = tensors.Require("head.weight", 2)[0],
        };
        return config with { Directions = PublishedDirections.Of(tensors, "LocalVim", depth, Published) };

        IReadOnlyList<string>? Published(ModelConfig variant) =>
            variant is LocalVimConfig known && known.Directions.Count == depth
                && known with { Directions = [], Classes = config.Classes } == config
                ? known.Directions
                : null;
    }
}
