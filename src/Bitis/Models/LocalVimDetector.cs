using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>Reads a LocalVim's architecture off the names and shapes of its tensors.</summary>
internal sealed class LocalVimDetector(string file, IReadOnlyDictionary<string, Shape> shapes, ModelOptions options)
    : ArchitectureDetector(file, shapes, options, "LocalVim")
{
    private const string FirstMixer = "layers.0.mixer";

    protected override ModelConfig Read()
    {
        int directions = Count(k => $"{FirstMixer}.A_log_{k}");
        if (directions != ScanDirection.PerBlock)
        {
            throw BitisException.InFile(
                File, $"a block has {directions} scan directions; Bitis runs models with {ScanDirection.PerBlock}, not those that search for directions.");
        }
        Shape patches = Require("patch_embed.proj.weight", 4); // [D, channels, patch, patch]
        Shape aLog = Require($"{FirstMixer}.A_log_0", 2); // [E, N]
        bool hasClassToken = Shapes.ContainsKey("cls_token");
        int depth = Count(i => $"layers.{i}.mixer.A_log_0");
        var config = new LocalVimConfig
        {
            ImageSize = GridSize(hasClassToken) * patches[2],
            ImageChannels = patches[1],
            PatchSize = patches[2],
            Width = patches[0],
            InnerWidth = aLog[0],
            StateSize = aLog[1],
            DeltaRank = Require($"{FirstMixer}.dt_proj_0.weight", 2)[1],
            ConvKernel = Require($"{FirstMixer}.conv1d_0.weight", 3)[2],
            Directions = [],
            HasClassToken = hasClassToken,
            HasRotaryPositions = Shapes.ContainsKey(LocalVimConfig.RotaryCosines),
            Norm = Shapes.ContainsKey("norm_f.bias") ? NormKind.Layer : NormKind.Rms,
            Classes = Require("head.weight", 2)[0],
        };
        return config with { Directions = Directions(depth, Published) };

        IReadOnlyList<string>? Published(ModelConfig variant) =>
            variant is LocalVimConfig known && known.Directions.Count == depth && known with { Directions = [], Classes = config.Classes } == config
                ? known.Directions
                : null;
    }
}
