namespace Bitis.Analysis.Sensitivity;

/// <summary>The cheap measures of a site.</summary>
/// <param name="Score">The mean over images of (∂ℓ/∂y·Δy)²; null if there is no gradient.</param>
/// <param name="SnrDb">Signal to noise at the node's output, in decibels; null without noise.</param>
internal sealed record SiteScore(double? Score, double? SnrDb);
