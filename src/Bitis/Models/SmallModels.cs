namespace Bitis.Models;

/// <summary>Architectures for images of 32×32 pixels, small enough to be trained on a CPU.</summary>
public static class SmallModels
{
    private const int ImageSize = 32, PatchSize = 4;

    private static readonly (string Name, Func<int, ModelConfig> Create)[] Models =
    [
        ("vim-micro", classes => Vim(64, 6, classes)),
        ("vim-mini", classes => Vim(160, 8, classes)),
        ("vit-mini", classes => Vit(192, 6, classes)),
    ];

    /// <summary>The names: Vims, smallest first, and what they are compared with.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Models.Select(model => model.Name)];

    /// <summary>The architecture with this name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="classes">How many classes the model tells apart.</param>
    /// <exception cref="BitisException">There is none; the message lists the names.</exception>
    public static ModelConfig Get(string name, int classes)
    {
        foreach ((string known, Func<int, ModelConfig> create) in Models)
        {
            if (known == name)
                return create(classes);
        }
        throw new BitisException($"There is no architecture named '{name}'; expected one of {string.Join(", ", Names)}.");
    }

    private static VimConfig Vim(int width, int depth, int classes) => new()
    {
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        Stride = PatchSize,
        Width = width,
        InnerWidth = 2 * width,
        Depth = depth,
        DeltaRank = (width + 15) / 16,
        Classes = classes,
    };

    private static VitConfig Vit(int width, int depth, int classes) => new()
    {
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        Width = width,
        Depth = depth,
        Heads = width / 64,
        HiddenWidth = 4 * width,
        Classes = classes,
    };
}
