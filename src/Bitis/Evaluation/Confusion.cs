namespace Bitis.Evaluation;

/// <summary>Images of one class that were taken for another.</summary>
/// <param name="Label">The class that they show.</param>
/// <param name="Predicted">The class that the model answered.</param>
/// <param name="Images">How many there were.</param>
internal sealed record Confusion(int Label, int Predicted, long Images);
