namespace Bitis.Analysis.Distributions;

/// <summary>How the weights and inputs of a model's layers, and what is inside of its scans, are spread.</summary>
/// <param name="Weights">The weights of each layer that can be quantized.</param>
/// <param name="Inputs">Their inputs.</param>
/// <param name="Tokens">The range of those inputs that have tokens.</param>
/// <param name="Scans">What is inside of each quantized scan.</param>
internal sealed record ModelDistributions(
    IReadOnlyList<SiteDistribution> Weights, IReadOnlyList<SiteDistribution> Inputs, IReadOnlyList<TokenRange> Tokens,
    IReadOnlyList<SiteDistribution> Scans);
