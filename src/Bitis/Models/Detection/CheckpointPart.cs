namespace Bitis.Models.Detection;

/// <summary>
/// A parameter's place in a checkpoint: a whole tensor, or one of its equal parts along the outermost dimension.
/// </summary>
/// <param name="Tensor">The tensor's name.</param>
/// <param name="Index">Which part it is.</param>
/// <param name="Count">How many parts the tensor has.</param>
/// <param name="IsStacked">
/// Whether the parts have a dimension of their own; else they are concatenated along the outermost dimension.
/// </param>
public readonly record struct CheckpointPart(string Tensor, int Index = 0, int Count = 1, bool IsStacked = false);
