namespace Bitis.Data;

/// <summary>An image of a source.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Label">The index of its class; null if the source does not know it.</param>
/// <param name="Name">Its name in messages and reports: a path relative to the source, or a number.</param>
internal sealed record LabeledImage(PixelImage Image, int? Label, string Name);
