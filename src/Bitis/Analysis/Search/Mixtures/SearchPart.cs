using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Search.Mixtures;

/// <summary>Layers or scans with bits of their own: those of one kind in a block, the stem or the head.</summary>
internal sealed class SearchPart
{
    private readonly Graph _graph;

    private SearchPart(Graph graph, GraphSegment segment, Node[] sites, Node[] all, string? segmentPattern)
    {
        _graph = graph;
        (Segment, Sites, SegmentPattern) = (segment, sites, segmentPattern);
        Kind = KindOf(sites[0]);
        Patterns = PatternOf(sites, all) is { } pattern ? [pattern] : [.. sites.Select(node => node.Name)];
        HasEdge = sites.Any(node => IsEdge(graph, node));
    }

    /// <summary>What its layers or scans are.</summary>
    public PartKind Kind { get; }

    /// <summary>The block, or the nodes between blocks, that it belongs to.</summary>
    public GraphSegment Segment { get; }

    /// <summary>Its layers or scans.</summary>
    public IReadOnlyList<Node> Sites { get; }

    /// <summary>The patterns of overrides that match its layers or scans, and no others.</summary>
    public IReadOnlyList<string> Patterns { get; }

    /// <summary>A pattern that matches all sites of the segment, and no others; null if there is none.</summary>
    public string? SegmentPattern { get; }

    /// <summary>Whether it has the layer that sees the image, or the one that gives the logits.</summary>
    public bool HasEdge { get; }

    /// <summary>Its name in reports.</summary>
    public string Name => string.Join(' ', Patterns);

    /// <summary>The parts of a graph, in the order of its blocks.</summary>
    /// <exception cref="BitisException">The nodes of a block do not lie together.</exception>
    public static IReadOnlyList<SearchPart> Of(Graph graph)
    {
        Node[] all = [.. graph.Nodes.Where(IsSite)];
        var parts = new List<SearchPart>();
        foreach (GraphSegment segment in GraphSegment.Split(graph))
        {
            Node[] sites = [.. segment.Nodes.Where(IsSite)];
            string? pattern = sites.Length > 1 ? PatternOf(sites, all) : null;
            // The first and the last layer have other bits than their neighbours, so each stands alone.
            foreach (IGrouping<(PartKind, Node?), Node> group in sites.GroupBy(
                node => (KindOf(node), IsEdge(graph, node) ? node : null)))
            {
                parts.Add(new SearchPart(graph, segment, [.. group], all, pattern));
            }
        }
        return parts;
    }

    /// <summary>What a choice quantizes of it: nodes with their bits.</summary>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Quantized(PartChoice choice)
    {
        if (choice.Scope is not { } scope)
            return [];
        if (Kind == PartKind.Scan)
        {
            BitWidths bits = choice.Bits with { Weights = BitWidths.Float };
            return SiteSelection.CoversScans(scope) && bits != BitWidths.None
                ? [.. Sites.Select(node => (node, bits))]
                : [];
        }
        return choice.Bits == BitWidths.None
            ? []
            : [.. Sites.Where(node => IsLayerOf(node, scope)).Select(node => (node, choice.Bits))];
    }

    /// <summary>What the choice for it is called where choices with the same effect are one.</summary>
    public string Signature(PartChoice choice) =>
        string.Join(' ', Quantized(choice).Select(site => $"{site.Node.Name}={site.Bits}"));

    private bool IsLayerOf(Node node, Scope scope) => scope == Scope.Full
        ? QuantizedLayer.Covers(node.Operator)
        : _graph.IsInBlock(node) && node.IsLinear;

    private static PartKind KindOf(Node node) => node.Operator.ScanSize is not null
        ? PartKind.Scan
        : node.IsLinear ? PartKind.Linear : PartKind.Other;

    private static bool IsEdge(Graph graph, Node node) => node == graph.Output || node.Inputs[0] == graph.Input;

    private static bool IsSite(Node node) => node.Operator.ScanSize is not null || QuantizedLayer.Covers(node.Operator);

    /// <summary>A pattern that tells the sites apart from all others; null if none of these forms does.</summary>
    private static string? PatternOf(Node[] sites, Node[] all)
    {
        if (sites.Length == 1)
            return sites[0].Name;
        string[] parts = sites[0].Name.Split('.');
        string common = sites[0].Name[..sites.Min(node => CommonLength(sites[0].Name, node.Name))];
        return Enumerable.Range(1, parts.Length - 1).Select(length => string.Join('.', parts[..length]) + ".*")
            .Append(common + "*")
            .FirstOrDefault(text =>
            {
                var pattern = new SiteOverride(text);
                return sites.All(node => pattern.Matches(node.Name))
                    && all.Count(node => pattern.Matches(node.Name)) == sites.Length;
            });
    }

    private static int CommonLength(string first, string second) =>
        first.Zip(second).TakeWhile(pair => pair.First == pair.Second).Count();
}
