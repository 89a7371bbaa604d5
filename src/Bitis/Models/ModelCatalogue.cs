namespace Bitis.Models;

/// <summary>The published models: ImageNet classifiers for 224×224 pixels. Accuracies are those of the official READMEs.</summary>
public static class ModelCatalogue
{
    private const int ImageSize = 224, PatchSize = 16, ImageNetClasses = 1000;

    /// <summary>All of them, smaller ones first.</summary>
    public static IReadOnlyList<ModelVariant> Variants { get; } =
    [
        new("vim-tiny", Vim(192, stride: 16), 76.1, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_76p1acc.pth"),
        new("vim-tiny-plus", Vim(192, stride: 8), 78.3, "hf:hustvl/Vim-tiny-midclstok/vim_t_midclstok_ft_78p3acc.pth"),
        new("vim-small", Vim(384, stride: 16), 80.5, "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_80p5acc.pth"),
        new("vim-small-plus", Vim(384, stride: 8), 81.6, "hf:hustvl/Vim-small-midclstok/vim_s_midclstok_ft_81p6acc.pth"),
        new("vim-base", Vim(768, stride: 16), 81.9, "hf:hustvl/Vim-base-midclstok/vim_b_midclstok_81p9acc.pth"),
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
}
