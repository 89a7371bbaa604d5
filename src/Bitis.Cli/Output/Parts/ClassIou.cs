namespace Bitis.Cli.Output.Parts;

/// <summary>How well the pixels of one class were recognized.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Name">Its name, or its index.</param>
/// <param name="Pixels">How many pixels have it as their label.</param>
/// <param name="Iou">Intersection over union; null if neither labels nor predictions have the class.</param>
/// <param name="Accuracy">The share of its pixels that were recognized; null if no label has the class.</param>
internal sealed record ClassIou(int Class, string Name, long Pixels, double? Iou, double? Accuracy);
