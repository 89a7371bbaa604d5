namespace Bitis.Models;

/// <summary>The published models: ImageNet classifiers for 224×224 pixels. Accuracies are those of the official READMEs.</summary>
public static class ModelCatalogue
{
    private const string Releases = "https://github.com/MzeroMiko/VMamba/releases/download/";
    private const int ImageSize = 224, PatchSize = 16, ImageNetClasses = 1000;

    /// <summary>All of them, smaller ones first in each family.</summary>
    public static IReadOnlyList<ModelVariant> Variants { get; } =
    [
        new("vim-tiny", Vim(192, stride: 16), 76.1, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_76p1acc.pth"),
        new("vim-tiny-plus", Vim(192, stride: 8), 78.3, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_ft_78p3acc.pth"),
        new("vim-small", Vim(384, stride: 16), 80.5, "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_80p5acc.pth"),
        new("vim-small-plus", Vim(384, stride: 8), 81.6, "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_ft_81p6acc.pth"),
        new("vim-base", Vim(768, stride: 16), 81.9, "hf:hustvl/Vim-base-midclstok/vim_b_midclstok_81p9acc.pth"),
        // Names in brackets on the official page: T[s1l8], S[s2l15], B[s2l15], S[s1l20], B[s1l20].
        new("vmamba-tiny", VMamba(96, ratio: 1, blocks: 8), 82.6, Releases + "%23v2cls/vssm1_tiny_0230s_ckpt_epoch_264.pth"),
        new("vmamba-small", VMamba(96, ratio: 2, blocks: 15), 83.6, Releases + "%23v2cls/vssm_small_0229_ckpt_epoch_222.pth"),
        new("vmamba-base", VMamba(128, ratio: 2, blocks: 15), 83.9, Releases + "%23v2cls/vssm_base_0229_ckpt_epoch_237.pth"),
        new("vmamba-small-s1l20", VMamba(96, ratio: 1, blocks: 20), 83.3, Releases + "%23v2cls/vssm1_small_0229s_ckpt_epoch_240.pth"),
        new("vmamba-base-s1l20", VMamba(128, ratio: 1, blocks: 20), 83.8, Releases + "%23v2cls/vssm1_base_0229s_ckpt_epoch_225.pth"),
        new("vmamba-tiny-v0", FirstVMamba(96, blocks: 9), 82.2, Releases + "%2320240218/vssmtiny_dp01_ckpt_epoch_292.pth"),
        new("vmamba-small-v0", FirstVMamba(96, blocks: 27), 83.5, Releases + "%2320240218/vssmsmall_dp03_ckpt_epoch_238.pth"),
        new("vmamba-base-v0", FirstVMamba(128, blocks: 27), 83.7, Releases + "%2320240218/vssmbase_dp06_ckpt_epoch_241.pth"),
    ];

    /// <summary>The variant with this name.</summary>
    /// <exception cref="BitisException">There is none; the message lists the names.</exception>
    public static ModelVariant Get(string name) =>
        Variants.FirstOrDefault(variant => variant.Name == name) ?? throw new BitisException(
            $"There is no model named '{name}'; the published ones are {string.Join(", ", Variants.Select(v => v.Name))}.");

    /// <summary>The variant with exactly this architecture, if it is a published one.</summary>
    public static ModelVariant? Find(ModelConfig config) => Variants.FirstOrDefault(variant => variant.Config == config);

    private static VimConfig Vim(int width, int stride) => new()
    {
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        Stride = stride,
        Width = width,
        InnerWidth = 2 * width,
        Depth = 24,
        DeltaRank = width / 16,
        Classes = ImageNetClasses,
    };

    /// <summary>A VMamba of forward type <c>v05_noz</c>.</summary>
    private static VMambaConfig VMamba(int width, int ratio, int blocks) => new()
    {
        ImageSize = ImageSize,
        Depths = [2, 2, blocks, 2],
        Width = width,
        InnerWidth = ratio * width,
        MlpWidth = 4 * width,
        Classes = ImageNetClasses,
    };

    /// <summary>A VMamba of the first release, with gates and without MLPs.</summary>
    private static VMambaConfig FirstVMamba(int width, int blocks) => new()
    {
        ImageSize = ImageSize,
        Stem = StemKind.Patches,
        Downsampling = DownsamplingKind.PatchMerging,
        Depths = [2, 2, blocks, 2],
        Width = width,
        InnerWidth = 2 * width,
        MlpWidth = 0,
        StateSize = 16,
        HasConvBias = true,
        IsGated = true,
        Classes = ImageNetClasses,
    };
}
