namespace Bitis.Cli.Output.Parts;

/// <summary>The part of an image that has a class.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Name">Its name; null if it is not known.</param>
/// <param name="Share">The share of the image's pixels, 0 to 1.</param>
internal sealed record ClassShare(int Class, string? Name, double Share);
