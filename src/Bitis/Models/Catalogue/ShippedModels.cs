namespace Bitis.Models.Catalogue;

/// <summary>Trained models of the package Bitis.Models (models/README.md), for first steps without downloads.</summary>
internal static class ShippedModels
{
    private const string Extension = ".safetensors";

    private static readonly string DefaultFolder = Path.Combine(AppContext.BaseDirectory, "models");

    /// <summary>The names, in alphabetical order; empty if the application has no models.</summary>
    public static IReadOnlyList<string> Names { get; } = NamesIn(DefaultFolder);

    /// <summary>The file of a model.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The path, or null if there is none of this name.</returns>
    public static string? Find(string name) => Names.Contains(name) ? PathOf(DefaultFolder, name) : null;

    /// <summary>The file of a model that must be there.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="BitisException">There is none; the message lists the names, or the package to add.</exception>
    public static string Require(string name) => Require(name, DefaultFolder);

    /// <summary>The file of a model in a folder.</summary>
    /// <param name="name">The model.</param>
    /// <param name="folder">Where the package puts the models.</param>
    /// <exception cref="BitisException">There is none; the message lists the names, or the package to add.</exception>
    internal static string Require(string name, string folder)
    {
        string[] names = NamesIn(folder);
        if (names.Length == 0)
        {
            throw new BitisException(
                $"The model '{name}' is not here: the folder {folder} has no models. "
                + "Add the NuGet package Bitis.Models to the program: it puts them there.");
        }
        return names.Contains(name)
            ? PathOf(folder, name)
            : throw new BitisException(
                $"No model named '{name}' comes with Bitis; expected one of: {string.Join(", ", names)}. "
                + $"(They are in the folder {folder}.)");
    }

    private static string[] NamesIn(string folder) => Directory.Exists(folder)
        ?
        [
            .. Directory.EnumerateFiles(folder, $"*{Extension}")
                .Select(file => Path.GetFileNameWithoutExtension(file))
                .Order(StringComparer.Ordinal),
        ]
        : [];

    private static string PathOf(string folder, string name) => Path.Combine(folder, name + Extension);
}
