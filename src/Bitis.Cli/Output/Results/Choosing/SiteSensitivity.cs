namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>How much a site suffers from quantization, and what it does to the answers.</summary>
/// <param name="Site">The site's name: <c>layers.0.mixer.in_proj.weight</c>.</param>
/// <param name="Node">The layer or scan.</param>
/// <param name="Kind">What it is: <c>weight</c>, <c>input</c>, or a part of a scan, such as <c>u</c>.</param>
/// <param name="Block">The block; null outside of blocks.</param>
/// <param name="Bits">Its bits.</param>
/// <param name="Score">The score from gradients; null if the site has none.</param>
/// <param name="SnrDb">The signal-to-noise ratio at the site's own output; null without noise.</param>
/// <param name="Alone">What quantizing it alone does; null if it was not tried.</param>
/// <param name="LeftAlone">What leaving only it in float32 does; null if it was not tried.</param>
internal sealed record SiteSensitivity(
    string Site,
    string Node,
    string Kind,
    int? Block,
    int Bits,
    double? Score,
    double? SnrDb,
    SiteEffect? Alone,
    SiteEffect? LeftAlone);
