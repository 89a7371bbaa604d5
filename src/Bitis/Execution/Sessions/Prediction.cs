namespace Bitis;

/// <summary>One of a classifier's answers for an image.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Name">The class's name; null if the model does not know it.</param>
/// <param name="Probability">The softmax of the logits.</param>
public readonly record struct Prediction(int Class, string? Name, float Probability);
