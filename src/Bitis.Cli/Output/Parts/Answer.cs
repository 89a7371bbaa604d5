namespace Bitis.Cli.Output.Parts;

/// <summary>A probable class of an image.</summary>
/// <param name="Class">The class's index.</param>
/// <param name="Name">Its name; null if it is not known.</param>
/// <param name="Probability">0 to 1, the softmax of the logits.</param>
internal sealed record Answer(int Class, string? Name, float Probability);
