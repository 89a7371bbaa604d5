namespace Bitis.Checkpoints.Weights;

/// <summary>A place in a file with named tensors: the top level, or the value of a key.</summary>
/// <param name="Key">Nested keys joined by dots; empty for the top level.</param>
/// <param name="Values">The named values there: tensors and others.</param>
internal sealed record WeightsPlace(string Key, IEnumerable<KeyValuePair<string, object?>> Values);
