namespace Bitis.Checkpoints.Weights;

/// <summary>The tensors of a file that were chosen as its weights.</summary>
/// <param name="Key">Their place: a key, a prefix of names, or both, joined by dots; empty for the top level.</param>
/// <param name="Keys">All possible places, including the chosen one.</param>
/// <param name="Tensors">Names without the prefix, and tensors, in the file's order.</param>
/// <param name="Unreadable">Entries among them that cannot be read as tensors: name and reason.</param>
/// <param name="LeftOut">The names of tensors that lack the prefix or cannot be read.</param>
internal sealed record ChosenWeights(
    string Key,
    IReadOnlyList<string> Keys,
    IReadOnlyList<KeyValuePair<string, StoredTensor>> Tensors,
    IReadOnlyDictionary<string, string> Unreadable,
    IReadOnlyList<string> LeftOut);
