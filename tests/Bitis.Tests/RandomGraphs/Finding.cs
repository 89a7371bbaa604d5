namespace Bitis.Tests.RandomGraphs;

/// <summary>What a check found in a graph.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Signature">What findings of one cause have in common.</param>
/// <param name="Detail">More for people.</param>
internal sealed record Finding(FindingKind Kind, string Signature, string Detail);
