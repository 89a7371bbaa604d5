namespace Bitis.Analysis.Distributions;

/// <summary>The extremes of a layer's input at each token.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Low">The smallest value at each token.</param>
/// <param name="High">The largest value at each token.</param>
internal sealed record TokenRange(string Layer, IReadOnlyList<float> Low, IReadOnlyList<float> High);
