using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Graphs.Fusion;

/// <summary>Decides which nodes of a graph are computed together and in which order tokens lie.</summary>
/// <remarks>
/// <code>
///   conv2d → flatten                      patches times a matrix
///   concat → grid conv → relu             the parts are read where they lie
///   causal or depthwise conv → silu       the latter also writes copies in the orders that scans need
///   softplus → scan                       Δ's softplus is part of the scan
///   scan → reverse → add                  a scan from the end adds to what is there
///   scale, silu → multiply                the gate
///   add → norm                            the residual stream
///   resize → add                          the sum of two levels of a pyramid
///   slice, reverse, select, arrange       views, where all who read them can
/// </code>
/// No other code decides this. Each node belongs to one operation: a pattern takes only nodes that no earlier pattern
/// has, and only values with no other reader. A reversed sequence is a view at first, and what is computed from it lies
/// in reverse, too. If an operation cannot read that, or its inputs lie in different orders, the reversals behind the
/// value become copies, and the pass starts again.
/// </remarks>
internal sealed class FusionPass
{
    private readonly Graph _graph;
    private readonly FusionRules _rules;
    private readonly ILookup<Node, Node> _users;
    private readonly HashSet<Node> _copiedReversals = [];
    private readonly HashSet<Node> _separateScans = [];
    private readonly HashSet<Node> _taken = [];
    private readonly List<FusedOperation> _operations = [];
    private readonly Dictionary<Node, TokenLayout> _layouts = [];

    private FusionPass(Graph graph, FusionRules rules)
    {
        _graph = graph;
        _rules = rules;
        _users = graph.Nodes.SelectMany(
            node => node.Inputs, (user, used) => (user, used)).ToLookup(pair => pair.used, pair => pair.user);
    }

    /// <summary>Fuses a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="rules">How much is fused.</param>
    public static FusedGraph Run(Graph graph, FusionRules rules)
    {
        var pass = new FusionPass(graph, rules);
        do
        {
            pass.Group();
        }
        while (!pass.Arrange());
        return new FusedGraph(graph, pass._operations, pass._layouts);
    }

    /// <summary>Forms the operations, from the patterns that come first to single operators.</summary>
    private void Group()
    {
        _taken.Clear();
        _operations.Clear();
        foreach (Node node in _graph.Nodes)
            TakeConvolution(node);
        foreach (Node node in _graph.Nodes)
            TakeScan(node);
        foreach (Node node in _graph.Nodes)
            TakeGate(node);
        foreach (Node node in _graph.Nodes)
            TakeSum(node);
        foreach (Node node in _graph.Nodes.Where(node => node.Operator is not Input && !_taken.Contains(node)))
            _operations.Add(new SingleOperator(node));
        _operations.Sort((left, right) => left.Position.CompareTo(right.Position));
    }

    private void Take(FusedOperation operation)
    {
        _taken.UnionWith(operation.Nodes);
        _operations.Add(operation);
    }

    private void TakeConvolution(Node node)
    {
        Node? next = OnlyUser(node);
        if (node.Operator is Conv2d && next?.Operator is FlattenSpatial
            && (_rules.PatchesOfValues || node.Inputs[0].Operator is Input))
        {
            Take(new FusedPatches(node, next));
        }
        else if (node.Operator is GridConv2d && _rules.GridLayers)
        {
            Node input = node.Inputs[0];
            Node? concat = input.Operator is ConcatChannels && OnlyUser(input) == node ? input : null;
            Take(new FusedGridConvolution(concat, node, next?.Operator is Relu ? next : null));
        }
        else if (node.Operator is CausalConv1d)
        {
            Take(new FusedConvolution(node, next?.Operator is Silu ? next : null, []));
        }
        else if (node.Operator is DepthwiseConv2d)
        {
            Node? silu = next?.Operator is Silu ? next : null;
            Node[] copies = _rules.ArrangedCopies ? [.. _users[silu ?? node].Distinct().Where(IsWhole)] : [];
            Take(new FusedConvolution(node, silu, copies));
        }

        static bool IsWhole(Node user) => user.Operator is ArrangeTokens order
            && order.Sources.Count(source => source != ArrangeTokens.Zeros) == user.Inputs[0].Shape[0];
    }

    private void TakeScan(Node node)
    {
        if (node.Operator is not SelectiveScan { States: <= SelectiveScan.MaxKernelStates })
            return;
        Node delta = node.Inputs[1];
        Node? softplus = delta.Operator is Softplus && OnlyUser(delta) == node && !_taken.Contains(delta)
            ? delta
            : null;
        Node? reversal = _rules.ScansIntoSums && !_separateScans.Contains(node)
            && OnlyUser(node) is { Operator: ReverseTokens } user
            ? user
            : null;
        Node? sum = reversal is not null && OnlyUser(reversal) is { Operator: Add } add && !_taken.Contains(add)
            ? add
            : null;
        Take(new FusedScan(node, softplus, sum is null ? null : reversal, sum));
    }

    private void TakeGate(Node node)
    {
        if (node.Operator is not Multiply || node.Inputs[0] == node.Inputs[1])
            return;
        Node? silu = node.Inputs.LastOrDefault(
            input => input.Operator is Silu && !_taken.Contains(input) && OnlyUser(input) == node);
        if (silu is null)
            return;
        Node values = node.Inputs.First(input => input != silu);
        if (_rules.GatesOfSingleUse && (OnlyUser(values) is null || OnlyUser(silu.Inputs[0]) is null))
            return;
        Node? scale = _rules.ScalesInGates && values.Operator is Scale && OnlyUser(values) == node ? values : null;
        Take(new FusedGate(scale, silu, node));
    }

    private void TakeSum(Node node)
    {
        if (node.Operator is not Add || _taken.Contains(node))
            return;
        Node? resize = node.Inputs.FirstOrDefault(input => input.Operator is GridResize && OnlyUser(input) == node);
        if (_rules.GridLayers && resize is not null)
        {
            Take(new FusedResizeSum(resize, node));
            return;
        }
        if (!_rules.SumsWithNorm)
            return;
        Node? norm = _users[node].FirstOrDefault(
            user => user.Operator is RmsNorm or LayerNorm && !_taken.Contains(user));
        if (norm is not null)
            Take(new FusedSumNorm(node, norm));
    }

    /// <summary>Decides in which order each value lies.</summary>
    /// <returns>False if an operation could not read one of its inputs: another grouping must be tried.</returns>
    private bool Arrange()
    {
        _layouts.Clear();
        for (int i = 0; i < _operations.Count; i++)
        {
            if (!Place(i))
                return false;
        }
        if (_graph.Outputs.FirstOrDefault(IsReversed) is { } output)
        {
            CopyReversalsOf(output);
            return false;
        }
        if (_rules.IndexMaps)
            MapArrangements();
        return true;
    }

    private bool Place(int index)
    {
        FusedOperation operation = _operations[index];
        if (operation is SingleOperator { Node: { Operator: ReverseTokens } reversal })
        {
            bool isCopy = _copiedReversals.Contains(reversal) && !IsReversed(reversal.Inputs[0]);
            if (!isCopy)
            {
                _operations[index] = new ValueView(reversal);
                SetReversed(reversal, !IsReversed(reversal.Inputs[0]));
            }
            return true;
        }
        if (operation is SingleOperator { Node: { Operator: SliceChannels } slice })
            _operations[index] = new ValueView(slice);
        else if (operation is SingleOperator { Node: { Operator: SelectToken } token } && _rules.TokenViews)
            _operations[index] = new ValueView(token);
        return operation is FusedScan { Sum: not null } scan ? PlaceScanWithSum(scan) : PlaceOther(operation);
    }

    private bool PlaceScanWithSum(FusedScan operation)
    {
        // The scan runs from the end of the other term. Its tokens lie in the opposite order, and the sum's in that of
        // the other term.
        bool sumIsReversed = IsReversed(operation.Other!);
        if (operation.Inputs.Where(input => input != operation.Other).Any(input => IsReversed(input) == sumIsReversed))
        {
            _separateScans.Add(operation.Scan);
            return false;
        }
        SetReversed(operation.Sum!, sumIsReversed);
        return true;
    }

    private bool PlaceOther(FusedOperation operation)
    {
        TokenOrderUse use = operation.Nodes.Any(node => node.Operator.OrderUse == TokenOrderUse.Positional)
            ? TokenOrderUse.Positional
            : operation.Nodes[0].Operator.OrderUse;
        if (use == TokenOrderUse.Invariant)
            return true;
        Node[] reversed = [.. operation.Inputs.Where(IsReversed)];
        if (reversed.Length == 0)
            return true;
        bool fits = use == TokenOrderUse.Equivariant && operation.Inputs.All(IsReversed);
        if (!fits)
        {
            foreach (Node input in reversed)
                CopyReversalsOf(input);
            return false;
        }
        foreach (Node output in operation.Outputs)
            SetReversed(output, true);
        return true;
    }

    /// <summary>Turns the reversals before a value that lies in reverse into copies.</summary>
    private void CopyReversalsOf(Node value)
    {
        var seen = new HashSet<Node>();
        var open = new Stack<Node>([value]);
        while (open.TryPop(out Node? node))
        {
            if (!seen.Add(node))
                continue;
            if (node.Operator is ReverseTokens && !IsReversed(node.Inputs[0]))
            {
                _copiedReversals.Add(node);
                continue;
            }
            FusedOperation producer = _operations.Single(operation => operation.Outputs.Contains(node));
            foreach (Node input in producer.Inputs.Where(IsReversed))
                open.Push(input);
        }
    }

    /// <summary>Turns arrangements into index maps where all of their readers take one.</summary>
    /// <remarks>A product whose first factor has an index map keeps it if all of its readers take one.</remarks>
    private void MapArrangements()
    {
        ILookup<Node, FusedOperation> readers = _operations
            .SelectMany(operation => operation.Inputs, (operation, input) => (operation, input))
            .ToLookup(pair => pair.input, pair => pair.operation);
        for (int i = 0; i < _operations.Count; i++)
        {
            if (_operations[i] is not SingleOperator { Node: var node } || _graph.Outputs.Contains(node))
                continue;
            if (node.Operator is ArrangeTokens arrangement)
            {
                bool hasZeros = arrangement.Sources.Contains(ArrangeTokens.Zeros);
                if (readers[node].All(reader => ReadsMap(reader, node, hasZeros)))
                {
                    _operations[i] = new ValueView(node);
                    _layouts[node] = new TokenLayout(IsReversed: false, [.. arrangement.Sources]);
                }
            }
            else if (
                node.Operator is Multiply && _layouts.TryGetValue(node.Inputs[0], out TokenLayout left)
                    && left.IndexMap is not null
                && readers[node].All(reader => ReadsMap(reader, node, hasZeros: false)))
            {
                _layouts[node] = left;
            }
        }
        foreach (ValueView view in _operations.OfType<ValueView>().Where(view => view.Node.Operator is ReverseTokens))
        {
            if (_layouts.TryGetValue(view.Node.Inputs[0], out TokenLayout source) && source.IndexMap is not null)
                _layouts[view.Node] = source with { IsReversed = !source.IsReversed };
        }

        bool ReadsMap(FusedOperation reader, Node value, bool hasZeros) => reader switch
        {
            FusedConvolution convolution => convolution.Convolution.Operator is CausalConv1d,
            ValueView { Node: { Operator: ReverseTokens } reversal } =>
                !_graph.Outputs.Contains(reversal)
                    && readers[reversal].All(next => next is FusedConvolution { Convolution.Operator: CausalConv1d }),
            SingleOperator single => !hasZeros && ReadsMapOf(single.Node, value),
            FusedSumNorm sum => !hasZeros && ReadsMapOf(sum.Sum, value),
            _ => false,
        };

        static bool ReadsMapOf(Node node, Node value) =>
            Enumerable.Range(0, node.Inputs.Count).All(
                input => node.Inputs[input] != value || node.Operator.TakesIndexMap(input));
    }

    private bool IsReversed(Node node) => _layouts.TryGetValue(node, out TokenLayout layout) && layout.IsReversed;

    private void SetReversed(Node node, bool isReversed)
    {
        if (isReversed)
            _layouts[node] = new TokenLayout(IsReversed: true, IndexMap: null);
        else
            _layouts.Remove(node);
    }

    private Node? OnlyUser(Node node) =>
        !_graph.Outputs.Contains(node) && _users[node].Count() == 1 ? _users[node].First() : null;
}
