namespace Bitis.Cli.Output.Parts;

/// <summary>A segmented image.</summary>
/// <param name="Image">The image.</param>
/// <param name="Width">Its pixels in a row.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Classes">The classes that it has, the largest first.</param>
/// <param name="Files">The files that were written.</param>
internal sealed record SegmentedImage(
    string Image, int Width, int Height, IReadOnlyList<ClassShare> Classes, IReadOnlyList<string> Files);
