namespace Bitis.Models.Catalogue;

/// <summary>Trained models that come with Bitis (models/README.md), for first steps without downloads.</summary>
internal static class ShippedModels
{
    private const string Extension = ".safetensors";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "models");

    /// <summary>The names, in alphabetical order; empty if the application left the files out.</summary>
    public static IReadOnlyList<string> Names { get; } = Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, $"*{Extension}").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The file of a model.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The path, or null if there is none of this name.</returns>
    public static string? Find(string name) => Names.Contains(name) ? Path.Combine(Folder, name + Extension) : null;

    /// <summary>The file of a model that must be there.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="BitisException">There is none of this name; the message lists the names.</exception>
    public static string Require(string name) => Find(name) ?? throw new BitisException(
        $"No model named '{name}' comes with Bitis; expected one of: {string.Join(", ", Names)}. (They are in the folder {Folder}.)");
}
