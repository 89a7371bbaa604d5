namespace Bitis.Analysis.Search.Mixtures;

/// <summary>A mixture whose operations are timed.</summary>
/// <param name="Mixture">The index of each part's choice.</param>
/// <param name="Beside">The mixture that it is compared with.</param>
/// <param name="Kind">The kind of parts in which both differ; null for float32.</param>
internal sealed record TimedMixture(IReadOnlyList<int> Mixture, IReadOnlyList<int> Beside, PartKind? Kind);
