using System.Globalization;
using System.Runtime.CompilerServices;
using Bitis.Graphs;

namespace Bitis.Models.LocalMamba;

/// <summary>
/// The four scans of a LocalMamba block (hunto/LocalMamba, <c>mamba/multi_mamba.py</c>: <c>MultiScan</c> and
/// <c>BiAttn</c>): tokens into
/// the order of each direction and back, and the sum of the directions with a gate for each channel of each direction.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="name">The module that the nodes belong to.</param>
/// <param name="directions">The block's directions, <see cref="ScanDirection.ParseBlock"/>.</param>
/// <param name="grid">Tokens along one side of the grid.</param>
/// <param name="classToken">The index of the class token; null if there is none.</param>
internal sealed class LocalScans(GraphBuilder graph, string name, string directions, int grid, int? classToken = null)
{
    private const float NormEpsilon = 1e-5f;

    /// <summary>Channels for each channel inside of the gate (official <c>act_ratio</c> 1/8).</summary>
    public const int GateReduction = 8;

    /// <summary>The orders of a graph: blocks of the same directions share them, however many there are.</summary>
    private static readonly ConditionalWeakTable<GraphBuilder, Dictionary<(
        ScanDirection, int, int?), ScanOrder>> Orders = [];

    private readonly ScanDirection[] _directions = ScanDirection.ParseBlock(directions);
    private readonly List<(IReadOnlyList<int> Order, Node Tokens)> _arranged = [];

    /// <summary>
    /// The tokens as a direction sees them: <c>[L, E]</c>, longer where windows reach over the grid's edge.
    /// </summary>
    public Node Enter(Node x, int direction)
    {
        Node tokens = Arranged(x, direction);
        return _directions[direction].IsReversed
            ? graph.ReverseTokens($"{name}.reversed_{Index(direction)}", tokens)
            : tokens;
    }

    /// <summary>A direction's output in the order of the grid, <c>[L, E]</c>.</summary>
    public Node Leave(Node y, int direction)
    {
        if (_directions[direction].IsReversed)
            y = graph.ReverseTokens($"{name}.y_{Index(direction)}.reversed", y);
        ScanOrder order = OrderOf(direction);
        return order.IsGridOrder ? y : graph.ArrangeTokens($"{name}.y_{Index(direction)}", y, order.Out);
    }

    /// <summary>The sum of the directions; the gate sees the mean of a direction's normalized tokens.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="sum">The name of the sum.</param>
    /// <param name="gate">The gate's module.</param>
    /// <param name="outputs">What the directions computed, each <c>[L, E]</c>.</param>
    public static Node Merge(GraphBuilder graph, string sum, string gate, Node[] outputs)
    {
        int width = outputs[0].Shape[1], inner = width / GateReduction;
        Node gates = graph.MeanOfNorms($"{gate}.norm", outputs, NormEpsilon); // [4, E]
        gates = graph.Linear($"{gate}.global_reduce", gates, inner);
        gates = graph.Gelu($"{gate}.act_fn", gates);
        gates = graph.Linear($"{gate}.channel_select", gates, width);
        gates = graph.Sigmoid($"{gate}.gate_fn", gates);
        return graph.GatedSum(sum, gates, outputs); // [L, E]
    }

    /// <summary>Directions of one order share its arrangement.</summary>
    private Node Arranged(Node x, int direction)
    {
        ScanOrder order = OrderOf(direction);
        if (order.IsGridOrder)
            return x;
        Node? known = _arranged.FirstOrDefault(arranged => arranged.Order.SequenceEqual(order.In)).Tokens;
        if (known is null)
            _arranged.Add((order.In, known = graph.ArrangeTokens($"{name}.arranged_{Index(direction)}", x, order.In)));
        return known;
    }

    private ScanOrder OrderOf(int direction)
    {
        Dictionary<(ScanDirection, int, int?), ScanOrder> orders = Orders.GetOrCreateValue(graph);
        (ScanDirection, int, int?) key = (_directions[direction], grid, classToken);
        if (!orders.TryGetValue(key, out ScanOrder? order))
        {
            IReadOnlyList<int> enter = _directions[direction].Arrange(grid, classToken);
            bool isGridOrder = enter.Select((source, token) => source == token).All(same => same);
            int tokens = grid * grid + (classToken is null ? 0 : 1);
            orders.Add(key, order = new ScanOrder(enter, TokenOrder.Inverse(enter, tokens), isGridOrder));
        }
        return order;
    }

    private static string Index(int direction) => direction.ToString(CultureInfo.InvariantCulture);

    /// <summary>The order in which a direction sees the tokens.</summary>
    /// <param name="In">From the grid's order to the direction's.</param>
    /// <param name="Out">And back.</param>
    /// <param name="IsGridOrder">Whether they are the same.</param>
    private sealed record ScanOrder(IReadOnlyList<int> In, IReadOnlyList<int> Out, bool IsGridOrder);
}
