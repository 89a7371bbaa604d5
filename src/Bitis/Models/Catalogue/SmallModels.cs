using Bitis.Models.LocalMamba;
using Bitis.Models.Poses;
using Bitis.Models.Reference;
using Bitis.Models.Segmentation;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;

namespace Bitis.Models.Catalogue;

/// <summary>Architectures small enough to be trained on a CPU.</summary>
/// <remarks>Classifiers take images of 32×32 pixels; the one that segments, of any size.</remarks>
internal static class SmallModels
{
    private const int ImageSize = 32, SceneSize = 64;

    private static readonly string[] LocalDirections =
        [
            "h,v_flip,w4,w4_flip", "h_flip,w2_flip,w4,w4_flip", "h,h_flip,v,w4", "h,h_flip,v,v_flip", "h,v,v_flip,w2",
            "h,v,w2,w2_flip",
        ];

    private static readonly (string Name, Func<int, ModelConfig> Create)[] All =
    [
        ("vim-micro", classes => Vim(width: 64, depth: 6, classes)),
        ("vim-mini", classes => Vim(width: 160, depth: 8, classes)),
        ("vmamba-micro", classes => VMamba(width: 32, [1, 1, 1], classes)),
        ("vmamba-mini", classes => VMamba(width: 64, [2, 4, 1], classes)),
        ("localvim-micro", classes => LocalVim(width: 64, depth: 6, classes)),
        ("localvmamba-micro", classes => LocalVMamba(width: 32, [1, 1, 1], classes)),
        ("vit-mini", classes => Vit(width: 192, depth: 6, classes)),
        ("resnet-20", ResNet20),
        ("vim-pose-micro", _ => new PoseConfig(Vim(width: 64, depth: 6, classes: 1))),
        ("vmamba-seg-micro", classes => Segmentation(width: 32, [2, 2, 2], channels: 32, classes)),
    ];

    /// <summary>
    /// The names, smaller ones first in each family; transformers and residual networks are for comparison.
    /// </summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(model => model.Name)];

    /// <summary>The architecture with this name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="classes">The number of classes.</param>
    /// <exception cref="BitisException">The name is unknown; the message lists the names.</exception>
    public static ModelConfig Get(string name, int classes)
    {
        foreach ((string known, Func<int, ModelConfig> create) in All)
        {
            if (known == name)
                return create(classes);
        }
        throw new BitisException(
            $"There is no architecture named '{name}'; expected one of {string.Join(", ", Names)}.");
    }

    private static VimConfig Vim(int width, int depth, int classes) => new()
    {
        ImageSize = ImageSize,
        PatchSize = 4,
        Stride = 4,
        Width = width,
        InnerWidth = 2 * width,
        Depth = depth,
        DeltaRank = (width + 15) / 16,
        Classes = classes,
    };

    /// <summary>A pyramid on 16×16 tokens, one for each square of 2×2 pixels.</summary>
    private static VMambaConfig VMamba(int width, IReadOnlyList<int> depths, int classes) => new()
    {
        ImageSize = ImageSize,
        Stem = StemKind.Patches,
        PatchSize = 2,
        Depths = depths,
        Width = width,
        InnerWidth = width,
        MlpWidth = 4 * width,
        Classes = classes,
    };

    /// <summary>A pyramid as <see cref="VMamba"/> makes it, with a UPerHead and an auxiliary FCN head.</summary>
    private static VMambaSegmentationConfig Segmentation(
        int width, IReadOnlyList<int> depths, int channels, int classes)
    {
        const int groups = 8;
        var head = new HeadConfig { Kind = HeadKind.UPer, Channels = channels, NormGroups = groups };
        return new VMambaSegmentationConfig(VMamba(width, depths, classes) with { ImageSize = SceneSize }, head)
        {
            AuxiliaryHead = head with { Kind = HeadKind.Fcn, Stage = depths.Count - 2, Convolutions = 1 },
        };
    }

    /// <summary>A LocalVim of the same size as the Vim, with the directions of the published models.</summary>
    /// <remarks>Windows have a side of 4 instead of 7, since the grid is 8×8.</remarks>
    private static LocalVimConfig LocalVim(int width, int depth, int classes) => new()
    {
        ImageSize = ImageSize,
        PatchSize = 4,
        Width = width,
        InnerWidth = 2 * width,
        Directions = [.. LocalDirections.Take(depth)],
        DeltaRank = (width + 15) / 16,
        Classes = classes,
    };

    /// <summary>
    /// A pyramid as <see cref="VMamba"/> makes it, with the scans of a LocalVMamba and its gated blocks without an MLP.
    /// </summary>
    private static LocalVMambaConfig LocalVMamba(int width, IReadOnlyList<int> depths, int classes) => new(
        VMamba(width, depths, classes) with
        {
            InnerWidth = 2 * width,
            MlpWidth = 0,
            IsGated = true,
            HasConvBias = true,
            Downsampling = DownsamplingKind.PatchMerging,
        },
        [.. LocalDirections.Take(depths.Sum())]);

    private static ResNetConfig ResNet20(int classes) =>
        new() { ImageSize = ImageSize, Width = 16, Depths = [3, 3, 3], Classes = classes };

    private static VitConfig Vit(int width, int depth, int classes) => new()
    {
        ImageSize = ImageSize,
        PatchSize = 4,
        Width = width,
        Depth = depth,
        Heads = width / 64,
        HiddenWidth = 4 * width,
        Classes = classes,
    };
}
