namespace Bitis.Checkpoints.Weights;

/// <summary>A place in a file that has tensors with names: the file itself, or what lies under a key.</summary>
/// <param name="Key">Nested keys with dots between them; empty for the top level.</param>
/// <param name="Values">What has a name there: tensors, and whatever lies between them.</param>
internal sealed record WeightsPlace(string Key, IEnumerable<KeyValuePair<string, object?>> Values);
