namespace Bitis.Checkpoints;

/// <summary>What a reader found in a file; <see cref="Checkpoint"/> shows it to the user.</summary>
/// <param name="Format">The format.</param>
/// <param name="WeightsKey">Where the weights were found; empty for the top level.</param>
/// <param name="WeightsKeys">Where weights could have been taken from.</param>
/// <param name="Tensors">Names and tensors, in the file's order.</param>
/// <param name="Metadata">Names and values beside the weights.</param>
internal sealed record CheckpointContents(
    CheckpointFormat Format,
    string WeightsKey,
    IReadOnlyList<string> WeightsKeys,
    IReadOnlyList<KeyValuePair<string, StoredTensor>> Tensors,
    IReadOnlyDictionary<string, string> Metadata);
