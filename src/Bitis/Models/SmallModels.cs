namespace Bitis.Models;

/// <summary>Architectures for images of 32×32 pixels, small enough to be trained on a CPU.</summary>
public static class SmallModels
{
    private const int ImageSize = 32, PatchSize = 4;

    private static readonly (string Name, int Width, int Depth)[] Sizes =
    [
        ("vim-micro", 64, 6),
        ("vim-mini", 160, 8),
    ];

    /// <summary>The names, smallest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sizes.Select(size => size.Name)];

    /// <summary>The architecture with this name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="classes">How many classes the model tells apart.</param>
    /// <exception cref="BitisException">There is none; the message lists the names.</exception>
    public static ModelConfig Get(string name, int classes)
    {
        foreach ((string known, int width, int depth) in Sizes)
        {
            if (known == name)
                return Vim(width, depth, classes);
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
}
