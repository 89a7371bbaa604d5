namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>An image that two models take for different classes.</summary>
/// <param name="Image">Its name.</param>
/// <param name="Label">What it shows; null if that is not known.</param>
/// <param name="Original">The class of the original model.</param>
/// <param name="Answer">The class of the model.</param>
/// <param name="Thumbnail">The image as a PNG file; null beyond the first ones.</param>
internal sealed record Disagreement(string Image, string? Label, string Original, string Answer, byte[]? Thumbnail);
