using Bitis.Models;
using Bitis.Models.LocalMamba;
using Bitis.Models.VMamba;

namespace Bitis.Gpu.Benchmarks.Checks;

/// <summary>Small models of the families with scans in several orders.</summary>
internal static class FamilyModels
{
    private static VMambaConfig Pyramid => new()
    {
        ImageSize = 28,
        Depths = [1, 1],
        Width = 16,
        InnerWidth = 24,
        MlpWidth = 40,
        Classes = 5,
    };

    private static readonly Dictionary<string, ModelConfig> Configs = new()
    {
        ["vmamba"] = Pyramid,
        ["vmamba-states"] = Pyramid with { ImageSize = 24, StateSize = 4, HasConvBias = true, InnerWidth = 20 },
        ["vmamba-v0"] = Pyramid with
        {
            ImageSize = 20,
            Stem = StemKind.Patches,
            Downsampling = DownsamplingKind.PatchMerging,
            MlpWidth = 0,
            StateSize = 16,
            IsGated = true,
            HasConvBias = true,
        },
        ["localvim"] = new LocalVimConfig
        {
            ImageSize = 20,
            PatchSize = 4,
            Width = 24,
            InnerWidth = 32,
            Directions = ["h,v_flip,w2,w2_flip", "h,h_flip,v,w2"],
            DeltaRank = 2,
            StateSize = 8,
            Classes = 5,
        },
        ["localvim-token"] = new LocalVimConfig
        {
            ImageSize = 16,
            PatchSize = 4,
            Width = 16,
            InnerWidth = 24,
            Directions = ["v,v_flip,w3,w2_flip"],
            DeltaRank = 1,
            StateSize = 16,
            Classes = 4,
            HasClassToken = true,
            HasRotaryPositions = false,
        },
        ["localvmamba"] = new LocalVMambaConfig(
            Pyramid with
            {
                ImageSize = 20,
                Stem = StemKind.Patches,
                StateSize = 4,
                IsGated = true,
                HasConvBias = true,
            },
            ["h,v_flip,w2,w2_flip", "h,h,v,w3"]),
    };

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names => [.. Configs.Keys];

    /// <summary>A model with random weights.</summary>
    public static VisionModel Create(string name) => VisionModel.CreateRandom(Configs[name], seed: 11);
}
