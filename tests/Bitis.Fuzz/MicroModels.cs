using Bitis.Data.BuiltIn;
using Bitis.Models;
using Bitis.Models.Graphs;
using Bitis.Models.LocalMamba;
using Bitis.Models.Reference;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Fuzz;

/// <summary>A model of each family and form that takes microseconds, and what recipes make of some of them.</summary>
internal static class MicroModels
{
    /// <summary>The architectures, by name.</summary>
    public static IReadOnlyDictionary<string, ModelConfig> Configs { get; } = new Dictionary<string, ModelConfig>
    {
        ["vim"] = new VimConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Stride = 4,
            Width = 8,
            InnerWidth = 16,
            Depth = 2,
            DeltaRank = 1,
            StateSize = 3,
            Classes = 3,
        },
        ["vim-first"] = new VimConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Stride = 2,
            Width = 6,
            InnerWidth = 9,
            Depth = 1,
            DeltaRank = 2,
            StateSize = 16,
            Classes = 2,
            ClassToken = ClassTokenPosition.First,
            Norm = NormKind.Layer,
            HalvesDirections = false,
        },
        ["vim-mean"] = new VimConfig
        {
            ImageSize = 6,
            PatchSize = 3,
            Stride = 3,
            Width = 8,
            InnerWidth = 8,
            Depth = 1,
            DeltaRank = 1,
            Classes = 2,
            ClassToken = ClassTokenPosition.None,
        },
        ["vmamba"] = new VMambaConfig
        {
            ImageSize = 16,
            Depths = [1, 1],
            Width = 8,
            InnerWidth = 8,
            MlpWidth = 16,
            StateSize = 2,
            Classes = 3,
            HasConvBias = true,
        },
        ["vmamba-v0"] = new VMambaConfig
        {
            ImageSize = 12,
            Stem = StemKind.Patches,
            PatchSize = 4,
            Downsampling = DownsamplingKind.PatchMerging,
            Depths = [1, 1],
            Width = 4,
            InnerWidth = 8,
            MlpWidth = 0,
            StateSize = 4,
            Classes = 2,
            IsGated = true,
            HasConvBias = true,
        },
        ["localvim"] = new LocalVimConfig
        {
            ImageSize = 12,
            PatchSize = 4,
            Width = 8,
            InnerWidth = 16,
            Directions = ["h,v_flip,w2,w2_flip", "h,h_flip,v,w2"],
            DeltaRank = 1,
            StateSize = 2,
            Classes = 3,
        },
        ["localvim-token"] = new LocalVimConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Width = 8,
            InnerWidth = 8,
            Directions = ["v,v_flip,w3,w2_flip"],
            DeltaRank = 1,
            StateSize = 2,
            Classes = 2,
            HasClassToken = true,
            HasRotaryPositions = false,
        },
        ["localvmamba"] = new LocalVMambaConfig(
            new VMambaConfig
            {
                ImageSize = 12,
                Stem = StemKind.Patches,
                PatchSize = 4,
                Downsampling = DownsamplingKind.Convolution,
                Depths = [1, 1],
                Width = 4,
                InnerWidth = 8,
                MlpWidth = 8,
                StateSize = 2,
                Classes = 2,
                IsGated = true,
                HasConvBias = true,
            },
            ["h,v_flip,w2,w2_flip", "h,h,v,w3"]),
        ["vit"] = new VitConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Width = 8,
            Depth = 1,
            Heads = 2,
            HiddenWidth = 12,
            Classes = 3,
        },
        ["resnet"] = new ResNetConfig { ImageSize = 8, Width = 8, Depths = [1, 1], Groups = 2, Classes = 3 },
        ["graph"] = new GraphConfig(AllOperators.Build()),
    };

    /// <summary>The recipes whose files are changed, with the model that each is for.</summary>
    public static IReadOnlyList<(string Model, Recipe Recipe)> Recipes { get; } =
    [
        ("vim", new Recipe
        {
            Method = "qmamba+",
            Bits = new(4, 8),
            Scope = Scope.Full,
            Settings = new SmoothedLearningSettings { Learning = new() { Steps = 0 } },
        }),
        (
            "vim-first",
            new Recipe { Method = "quamba", Scope = Scope.Ssm, Overrides = [SiteOverride.Parse("*.x_proj*=w8a32")] }),
        ("vim-mean", new Recipe { Method = "mse", Bits = new(3, 4), ActivationGranularity = Granularity.PerToken }),
        ("vmamba", new Recipe
        {
            Method = "qmamba",
            Bits = new(8, 6),
            Scope = Scope.Full,
            Settings = new QMambaSettings { Learning = new() { Steps = 0 } },
        }),
        (
            "vmamba-v0",
            new Recipe { Method = "minmax", Scope = Scope.Full, ActivationGranularity = Granularity.PerToken }),
        (
            "localvim",
            new Recipe
            {
                Method = "log2",
                Scope = Scope.Full,
                Bits = new(4, 8),
                ActivationGranularity = Granularity.PerToken,
            }),
        ("localvmamba", new Recipe { Method = "percentile", Scope = Scope.Full }),
        ("vit", new Recipe { Method = "minmax", Bits = new(8, 32), Scope = Scope.Full }),
        ("graph", new Recipe { Method = "smoothquant", Bits = new(4, 8), Scope = Scope.Full }),
        ("resnet", new Recipe { Method = "minmax", Bits = new(32, 8), Scope = Scope.Full }),
    ];

    /// <summary>A model with random weights and names of its classes.</summary>
    public static VisionModel Create(string name) => VisionModel.CreateRandom(Configs[name], seed: 1)
        .WithClassNames([.. Enumerable.Range(0, Configs[name].Classes).Select(index => $"class {index}")]);

    /// <summary>A quantized model.</summary>
    public static QuantizedModel Quantize(string name, Recipe recipe)
    {
        VisionModel model = Create(name);
        return PostTrainingQuantizer.Quantize(
            model,
            CalibrationSet.FromTensors(Images(model.Config, 2)),
            recipe,
            new QuantizationOptions { Threads = 1 });
    }

    /// <summary>Images of noise.</summary>
    public static FloatTensor Images(ModelConfig config, int count)
    {
        var random = new SeededRandom(5);
        FloatTensor images = FloatTensor.Uninitialized(config.InputShape.Prepend(count));
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }

    /// <summary>Small images with labels.</summary>
    public static ImageSource LabeledImages(int classes) => new SyntheticImageSource(6, 8, classes, seed: 3);
}
