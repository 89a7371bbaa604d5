namespace Bitis.Analysis.Search;

/// <summary>A finished run on disk.</summary>
/// <param name="Identity">A digest of model and images.</param>
/// <param name="Run">What was run.</param>
/// <param name="Values">What it gave.</param>
internal sealed record FinishedRun(string Identity, string Run, IReadOnlyList<double> Values);
