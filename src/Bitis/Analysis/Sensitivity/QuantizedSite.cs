using Bitis.Graphs;

namespace Bitis.Analysis.Sensitivity;

/// <summary>A tensor that a recipe quantizes.</summary>
/// <param name="Node">The layer or scan.</param>
/// <param name="Kind">What it is there.</param>
/// <param name="Bits">Its bits.</param>
internal sealed record QuantizedSite(Node Node, SiteKind Kind, int Bits)
{
    /// <summary>The name of the kind, as in results: <c>hiddenState</c>.</summary>
    public string KindName => char.ToLowerInvariant(Kind.ToString()[0]) + Kind.ToString()[1..];

    /// <summary>The site's name: <c>layers.0.mixer.in_proj.weight</c>.</summary>
    public string Name => $"{Node.Name}.{KindName}";
}
