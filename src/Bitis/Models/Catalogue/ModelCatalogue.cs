using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;

namespace Bitis.Models.Catalogue;

/// <summary>
/// The published models: ImageNet classifiers for 224×224 pixels. Accuracies are those of the official READMEs.
/// </summary>
internal static class ModelCatalogue
{
    private const string Releases = "https://github.com/MzeroMiko/VMamba/releases/download/";
    private const string LocalReleases = "https://github.com/hunto/LocalMamba/releases/download/v1.0.0/";
    private const int ImageSize = 224, PatchSize = 16, ImageNetClasses = 1000;

    /// <summary>The published scan directions of LocalVim, block by block; Tiny and Small have the same.</summary>
    private const string LocalVimDirections =
        "h,v_flip,w7,w7_flip/h_flip,w2_flip,w7,w7_flip/h,h_flip,v,w7/h,h_flip,v,v_flip/h,h_flip,v,v_flip/"
        + "h,h_flip,v,v_flip/h_flip,v,v_flip,w7/h_flip,v,v_flip,w2_flip/h,h_flip,v,v_flip/h,h_flip,v,v_flip/"
        + "h,v,v_flip,w2/"
        + "h,v,v_flip,w2_flip/h,h_flip,v_flip,w7/h_flip,v,v_flip,w2/h,h_flip,v,v_flip/h,v,w2,w2_flip/v,v_flip,w2,w7/"
        + "h,h_flip,v,w2/h,h_flip,w2_flip,w7/v,v_flip,w2,w2_flip";

    /// <summary>The published scan directions of LocalVMamba-Tiny.</summary>
    private const string LocalVMambaTinyDirections =
        "h,h_flip,w7,w7_flip/h_flip,v_flip,w2,w2_flip/h_flip,v_flip,w2_flip,w7/h_flip,v,v_flip,w2/"
        + "h,h_flip,v_flip,w2_flip/h_flip,v_flip,w2,w2_flip/h,w2_flip,w7,w7_flip/h,h_flip,v,v_flip/h,v_flip,w7,w7_flip/"
        + "h_flip,v,w2,w7_flip/v,v_flip,w2,w7_flip/h,h_flip,v_flip,w2_flip/v_flip,w2_flip,w7,w7_flip/"
        + "h_flip,v_flip,w2_flip,w7_flip/h_flip,v,w7,w7_flip";

    /// <summary>The published scan directions of LocalVMamba-Small.</summary>
    private const string LocalVMambaSmallDirections =
        "h,v,v_flip,w7_flip/h,h_flip,v,w7/h_flip,v,v_flip,w7/h_flip,v,w2_flip,w7/h_flip,v,w2_flip,w7/"
        + "h_flip,v_flip,w2,w7_flip/h_flip,v,v_flip,w7/h,v,v_flip,w7/h,v,v_flip,w7/h,v,v_flip,w7_flip/"
        + "h,h_flip,v,v_flip/"
        + "h,v,v_flip,w2/v,v_flip,w2_flip,w7/h,h_flip,v,w2/h_flip,v,v_flip,w7_flip/h,h_flip,v,v_flip/"
        + "h,v,v_flip,w7_flip/"
        + "h,v,v_flip,w7_flip/h,h_flip,v_flip,w7/h_flip,v_flip,w2_flip,w7/h_flip,v,v_flip,w7_flip/v,v_flip,w7,w7_flip/"
        + "h,v,v_flip,w7_flip/h_flip,v,v_flip,w2/h,v,v_flip,w2_flip/h,h_flip,v,w7/h,h_flip,w7,w7_flip/"
        + "h,v_flip,w2,w2_flip/"
        + "h,v_flip,w2,w7/h,v,v_flip,w7_flip/h_flip,v,w2_flip,w7/h_flip,v_flip,w7,w7_flip/h,v,w7,w7_flip";

    /// <summary>All published models, smaller ones first in each family.</summary>
    public static IReadOnlyList<ModelVariant> Variants { get; } =
    [
        new("vim-tiny", Vim(192, stride: 16), 76.1, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_76p1acc.pth"),
        new("vim-tiny-plus", Vim(192, stride: 8), 78.3, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_ft_78p3acc.pth"),
        new("vim-small", Vim(384, stride: 16), 80.5, "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_80p5acc.pth"),
        new(
            "vim-small-plus", Vim(384, stride: 8), 81.6,
            "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_ft_81p6acc.pth"),
        new("vim-base", Vim(768, stride: 16), 81.9, "hf:hustvl/Vim-base-midclstok/vim_b_midclstok_81p9acc.pth"),
        // Names in brackets on the official page: T[s1l8], S[s2l15], B[s2l15], S[s1l20], B[s1l20].
        new(
            "vmamba-tiny", VMamba(96, ratio: 1, blocks: 8), 82.6,
            Releases + "%23v2cls/vssm1_tiny_0230s_ckpt_epoch_264.pth"),
        new(
            "vmamba-small", VMamba(96, ratio: 2, blocks: 15), 83.6,
            Releases + "%23v2cls/vssm_small_0229_ckpt_epoch_222.pth"),
        new(
            "vmamba-base", VMamba(128, ratio: 2, blocks: 15), 83.9,
            Releases + "%23v2cls/vssm_base_0229_ckpt_epoch_237.pth"),
        new(
            "vmamba-small-s1l20", VMamba(96, ratio: 1, blocks: 20), 83.3,
            Releases + "%23v2cls/vssm1_small_0229s_ckpt_epoch_240.pth"),
        new(
            "vmamba-base-s1l20", VMamba(128, ratio: 1, blocks: 20), 83.8,
            Releases + "%23v2cls/vssm1_base_0229s_ckpt_epoch_225.pth"),
        new(
            "vmamba-tiny-v0", FirstVMamba(96, blocks: 9), 82.2,
            Releases + "%2320240218/vssmtiny_dp01_ckpt_epoch_292.pth"),
        new(
            "vmamba-small-v0", FirstVMamba(96, blocks: 27), 83.5,
            Releases + "%2320240218/vssmsmall_dp03_ckpt_epoch_238.pth"),
        new(
            "vmamba-base-v0", FirstVMamba(128, blocks: 27), 83.7,
            Releases + "%2320240218/vssmbase_dp06_ckpt_epoch_241.pth"),
        new("localvim-tiny", LocalVim(192, hasClassToken: false), 76.2, LocalReleases + "local_vim_tiny.ckpt"),
        new(
            "localvim-tiny-midcls", LocalVim(192, hasClassToken: true), 77.8,
            LocalReleases + "local_vim_tiny_middle_cls_token.ckpt"),
        // The official page gives LocalVMamba-Small's file for this one, and none for LocalVMamba-Tiny.
        new("localvim-small", LocalVim(384, hasClassToken: false), 81.1, Source: null),
        new("localvmamba-tiny", LocalVMamba(blocks: 9, LocalVMambaTinyDirections), 82.7, Source: null),
        new(
            "localvmamba-small", LocalVMamba(blocks: 27, LocalVMambaSmallDirections), 83.7,
            LocalReleases + "local_vssm_small.ckpt"),
    ];

    /// <summary>The variant with this name.</summary>
    /// <exception cref="BitisException">The name is unknown; the message lists the names.</exception>
    public static ModelVariant Get(string name) =>
        Variants.FirstOrDefault(variant => variant.Name == name) ?? throw new BitisException(
            $"There is no model named '{name}'; the published ones are "
            + $"{string.Join(", ", Variants.Select(v => v.Name))}.");

    /// <summary>The variant with exactly this architecture, if it is a published one.</summary>
    public static ModelVariant? Find(ModelConfig config) =>
        Variants.FirstOrDefault(variant => variant.Config == config);

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

    /// <summary>A LocalVim; the form with a class token has no rotary positions.</summary>
    /// <remarks>
    /// The official code defines <c>local_vim_small</c> twice. Here it has the directions of the first definition, as
    /// in the official detection and segmentation code.
    /// </remarks>
    private static LocalVimConfig LocalVim(int width, bool hasClassToken) => new()
    {
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        Width = width,
        InnerWidth = 2 * width,
        Directions = LocalVimDirections.Split('/'),
        DeltaRank = width / 16,
        HasClassToken = hasClassToken,
        HasRotaryPositions = !hasClassToken,
        Classes = ImageNetClasses,
    };

    /// <summary>A LocalVMamba: a VMamba of the first release with other scans.</summary>
    private static LocalVMambaConfig LocalVMamba(int blocks, string directions) =>
        new(FirstVMamba(96, blocks), directions.Split('/'));
}
