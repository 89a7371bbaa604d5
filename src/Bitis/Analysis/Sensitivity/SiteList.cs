using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The sites of quantized models.</summary>
internal static class SiteList
{
    /// <summary>The sites of a scan.</summary>
    public static IReadOnlyList<SiteKind> OfScans { get; } =
        [SiteKind.U, SiteKind.Delta, SiteKind.Decay, SiteKind.B, SiteKind.C, SiteKind.HiddenState];

    /// <summary>All sites of a model, in the order of its graph.</summary>
    public static IReadOnlyList<QuantizedSite> Of(QuantizedModel model)
    {
        var sites = new List<QuantizedSite>();
        foreach (Node node in model.Graph.Nodes)
        {
            if (model.Layers.TryGetValue(node.Name, out QuantizedLayer? layer))
            {
                if (layer.Weight is { } weight)
                    sites.Add(new QuantizedSite(node, SiteKind.Weight, weight.Bits));
                if (layer.Input is { } input)
                    sites.Add(new QuantizedSite(node, SiteKind.Input, input.Bits));
            }
            if (model.Scans.TryGetValue(node.Name, out Quantization.Scans.QuantizedScan? scan))
                sites.AddRange(OfScans.Select(kind => new QuantizedSite(node, kind, scan.U.Bits)));
        }
        return sites;
    }

    /// <summary>All sites that a recipe selects.</summary>
    public static IReadOnlyList<QuantizedSite> Of(SiteSelection selection) =>
    [
        .. selection.Layers.SelectMany(layer => ((SiteKind Kind, int Bits)[])
            [(SiteKind.Weight, layer.Bits.Weights), (SiteKind.Input, layer.Bits.Activations)],
            (layer, site) => new QuantizedSite(layer.Node, site.Kind, site.Bits))
            .Where(site => site.Bits != BitWidths.Float),
        .. selection.Scans.SelectMany(
            _ => OfScans, (scan, kind) => new QuantizedSite(scan.Node, kind, scan.Bits)),
    ];
}
