using Bitis.Analysis.Sensitivity;

namespace Bitis.Analysis.Results;

/// <summary>How much a site suffers from quantization, and what it does to the answers.</summary>
/// <param name="Site">The site's name: <c>layers.0.mixer.in_proj.weight</c>.</param>
/// <param name="Node">The layer or scan.</param>
/// <param name="Kind">What it is: <c>weight</c>, <c>input</c>, or a part of a scan, such as <c>u</c>.</param>
/// <param name="Block">The block; null outside of blocks.</param>
/// <param name="Bits">Its bits.</param>
/// <param name="Score">The mean over images of (∂ℓ/∂y·Δy)²; null if the site has no gradient.</param>
/// <param name="SnrDb">Signal to noise at the site's own output, in decibels; null without noise.</param>
/// <param name="Alone">What quantizing it alone does; null if it was not tried.</param>
/// <param name="LeftAlone">What leaving only it in float32 does; null if it was not tried.</param>
public sealed record SiteSensitivity(
    string Site,
    string Node,
    string Kind,
    int? Block,
    int Bits,
    double? Score,
    double? SnrDb,
    AnswerEffect? Alone,
    AnswerEffect? LeftAlone)
{
    /// <summary>Joins what is known of a site.</summary>
    internal static SiteSensitivity Of(QuantizedSite site, SiteScore score, ExactEffects? exact) => new(
        site.Name, site.Node.Name, site.KindName, site.Node.Block, site.Bits, score.Score, score.SnrDb, exact?.Alone,
        exact?.LeftAlone);
}
