namespace Bitis.Evaluation;

/// <summary>The number of images of one class that a model took for another.</summary>
/// <param name="Label">The class of the images.</param>
/// <param name="Predicted">The class that the model predicted.</param>
/// <param name="Images">How many images there were.</param>
internal sealed record Confusion(int Label, int Predicted, long Images);
