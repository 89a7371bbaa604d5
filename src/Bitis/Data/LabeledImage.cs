namespace Bitis.Data;

/// <summary>An image of a source.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Label">The index of its class; null if the source does not know it.</param>
/// <param name="Name">What messages and reports call it: a path relative to the source, or a number.</param>
internal sealed record LabeledImage(PixelImage Image, int? Label, string Name);
