using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;

namespace Bitis.Analysis.Search;

/// <summary>A part of a model with bits and a scope of its own: a block, the stem or the head.</summary>
internal sealed class SearchBlock
{
    private readonly Graph _graph;

    private SearchBlock(Graph graph, IReadOnlyList<Node> nodes, Node[] sites, IReadOnlyList<string> patterns)
    {
        _graph = graph;
        (Nodes, Patterns) = (nodes, patterns);
        HasEdge = sites.Any(node => IsEdge(graph, node));
    }

    /// <summary>Its nodes.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The patterns of overrides that match its layers and scans, and no others.</summary>
    public IReadOnlyList<string> Patterns { get; }

    /// <summary>Whether it has the layer that sees the image, or the one that gives the logits.</summary>
    public bool HasEdge { get; }

    /// <summary>Its name in reports.</summary>
    public string Name => string.Join(' ', Patterns);

    /// <summary>The parts of a graph that have something to quantize, in the order of the graph.</summary>
    /// <exception cref="BitisException">The nodes of a block do not lie together.</exception>
    public static IReadOnlyList<SearchBlock> Of(Graph graph)
    {
        Node[] all = [.. graph.Nodes.Where(IsSite)];
        var blocks = new List<SearchBlock>();
        foreach (GraphSegment segment in GraphSegment.Split(graph))
        {
            Node[] sites = [.. segment.Nodes.Where(IsSite)];
            // The first and the last layer have other bits than their neighbours, so each stands alone.
            Node[] edges = sites.Length > 1 ? [.. sites.Where(node => IsEdge(graph, node))] : [];
            Add([.. segment.Nodes.Except(edges)], [.. sites.Except(edges)]);
            foreach (Node edge in edges)
                Add([edge], [edge]);
        }
        return blocks;

        void Add(Node[] nodes, Node[] sites)
        {
            if (sites.Length > 0)
                blocks.Add(new SearchBlock(graph, nodes, sites, PatternsOf(sites, all)));
        }
    }

    /// <summary>What a choice quantizes of it: nodes with their bits.</summary>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Sites(BlockChoice choice)
    {
        if (choice.Scope is not { } scope)
            return [];
        var sites = new List<(Node, BitWidths)>();
        foreach (Node node in Nodes)
        {
            if (node.Operator.ScanSize is not null)
            {
                if (SiteSelection.CoversScans(scope) && choice.Bits.Activations != BitWidths.Float)
                    sites.Add((node, choice.Bits with { Weights = BitWidths.Float }));
            }
            else if (choice.Bits != BitWidths.None && IsLayerOf(node, scope))
            {
                sites.Add((node, choice.Bits));
            }
        }
        return sites;
    }

    /// <summary>What the choice for it is called where choices with the same effect are one.</summary>
    public string Signature(BlockChoice choice) =>
        string.Join(' ', Sites(choice).Select(site => $"{site.Node.Name}={site.Bits}"));

    private bool IsLayerOf(Node node, Scope scope) => scope == Scope.Full
        ? QuantizedLayer.Covers(node.Operator)
        : _graph.IsInBlock(node) && node.IsLinear;

    private static bool IsEdge(Graph graph, Node node) => node == graph.Output || node.Inputs[0] == graph.Input;

    private static bool IsSite(Node node) => node.Operator.ScanSize is not null || QuantizedLayer.Covers(node.Operator);

    /// <summary>One pattern if a common prefix tells the sites apart from all others, else their names.</summary>
    private static IReadOnlyList<string> PatternsOf(Node[] sites, Node[] all)
    {
        string[] parts = sites[0].Name.Split('.');
        for (int length = 1; length < parts.Length && sites.Length > 1; length++)
        {
            var pattern = new SiteOverride(string.Join('.', parts[..length]) + ".*");
            if (sites.All(node => pattern.Matches(node.Name))
                && all.Count(node => pattern.Matches(node.Name)) == sites.Length)
            {
                return [pattern.Pattern];
            }
        }
        return [.. sites.Select(node => node.Name)];
    }
}
