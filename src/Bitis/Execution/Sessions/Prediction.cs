namespace Bitis;

/// <summary>A class that a model predicts for an image, with its probability.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Name">The class's name; null if the model does not know it.</param>
/// <param name="Probability">The softmax of the logits for this class, 0 to 1.</param>
public readonly record struct Prediction(int Class, string? Name, float Probability);
