namespace Bitis.Models.Segmentation;

/// <summary>A head that gives a map of logits, as training sees it.</summary>
/// <param name="Node">The node of the logits.</param>
/// <param name="Height">The rows of the map.</param>
/// <param name="Width">The columns of the map.</param>
/// <param name="Weight">The weight of its loss.</param>
internal readonly record struct LearningHead(string Node, int Height, int Width, double Weight);
