namespace Bitis.Models.Detection;

/// <summary>
/// Where an official checkpoint has a parameter: a whole tensor, or one of several equal parts along its outermost
/// dimension.
/// </summary>
/// <param name="Tensor">The tensor's name.</param>
/// <param name="Index">Which part it is.</param>
/// <param name="Count">How many parts the tensor has.</param>
/// <param name="IsStacked">
/// Whether the parts have a dimension of their own; else they follow one another in the outermost one.
/// </param>
public readonly record struct CheckpointPart(string Tensor, int Index = 0, int Count = 1, bool IsStacked = false);
