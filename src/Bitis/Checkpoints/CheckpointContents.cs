using Bitis.Checkpoints.Weights;

namespace Bitis.Checkpoints;

/// <summary>What a reader found in a file.</summary>
/// <param name="Format">The format.</param>
/// <param name="Places">Where tensors are.</param>
/// <param name="Names">Some names of what the file holds at the top, for messages.</param>
/// <param name="Metadata">Names and values beside the weights.</param>
internal sealed record CheckpointContents(
    CheckpointFormat Format,
    IReadOnlyList<WeightsPlace> Places,
    IReadOnlyList<string> Names,
    IReadOnlyDictionary<string, string> Metadata);
