using Bitis.Checkpoints.Weights;

namespace Bitis.Checkpoints;

/// <summary>The contents of a checkpoint file, as its reader found them.</summary>
/// <param name="Format">The format.</param>
/// <param name="Places">The places with tensors.</param>
/// <param name="Names">Some names at the top level of the file, for messages.</param>
/// <param name="Metadata">Metadata as text, by name.</param>
internal sealed record CheckpointContents(
    CheckpointFormat Format,
    IReadOnlyList<WeightsPlace> Places,
    IReadOnlyList<string> Names,
    IReadOnlyDictionary<string, string> Metadata);
