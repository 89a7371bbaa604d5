namespace Bitis.Training.Losses;

/// <summary>An output of a model that should show the labels of pixels.</summary>
/// <param name="Height">Rows of the output's grid.</param>
/// <param name="Width">Columns of the output's grid.</param>
/// <param name="Weight">The weight of its loss: 1 for the head that answers, 0.4 for the auxiliary head.</param>
internal readonly record struct LabeledMap(int Height, int Width, double Weight);
