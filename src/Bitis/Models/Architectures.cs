namespace Bitis.Models;

/// <summary>
/// Architectures by name, to train from the start: small ones for images of 32×32 pixels, which a CPU trains in minutes or
/// hours, and those of the published models.
/// </summary>
public static class Architectures
{
    private const int SmallImageSize = 32, SmallPatchSize = 4;

    private static readonly (string Name, VimConfig Config)[] Small =
    [
        ("vim-micro", SmallVim(width: 64, depth: 6)),
        ("vim-cifar", SmallVim(width: 160, depth: 8)),
    ];

    /// <summary>The names, smaller architectures first.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Small.Select(entry => entry.Name), .. ModelCatalogue.Variants.Select(variant => variant.Name)];

    /// <summary>The architecture of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="classes">How many classes the model tells apart.</param>
    /// <exception cref="BitisException">There is none; the message lists the names.</exception>
    public static ModelConfig Get(string name, int classes)
    {
        ModelConfig config = Small.FirstOrDefault(entry => entry.Name == name).Config
            ?? ModelCatalogue.Variants.FirstOrDefault(variant => variant.Name == name)?.Config
            ?? throw new BitisException($"There is no architecture named '{name}'; there are {string.Join(", ", Names)}.");
        return config with { Classes = classes };
    }

    private static VimConfig SmallVim(int width, int depth) => new()
    {
        ImageSize = SmallImageSize,
        PatchSize = SmallPatchSize,
        Stride = SmallPatchSize,
        Width = width,
        InnerWidth = 2 * width,
        Depth = depth,
        DeltaRank = (width + 15) / 16,
        Classes = 10,
    };
}
