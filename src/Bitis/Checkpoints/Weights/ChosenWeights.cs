namespace Bitis.Checkpoints.Weights;

/// <summary>The tensors of a file that count as its weights.</summary>
/// <param name="Key">Where they are: a key, a prefix of names, or both, with dots; empty for the top level.</param>
/// <param name="Keys">Where weights could have been taken from, the chosen place included.</param>
/// <param name="Tensors">Names without the prefix, and tensors, in the file's order.</param>
/// <param name="Unreadable">What has a name among them but is no tensor that can be read: name and reason.</param>
/// <param name="LeftOut">The names of tensors that lack the prefix, or that nobody can read.</param>
internal sealed record ChosenWeights(
    string Key,
    IReadOnlyList<string> Keys,
    IReadOnlyList<KeyValuePair<string, StoredTensor>> Tensors,
    IReadOnlyDictionary<string, string> Unreadable,
    IReadOnlyList<string> LeftOut);
