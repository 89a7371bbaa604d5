using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Gpu.Plans.Patterns;

/// <summary>What a plan launches together, in order, and how long values live.</summary>
/// <remarks>
/// A unit is a fused operation, or a pattern of several: a <see cref="VimMixer"/>, which stands where its gate does, or
/// a <see cref="ScanGroup"/>, which stands where its first operation does.
/// </remarks>
internal sealed class PlanUnits
{
    private readonly FusedGraph _graph;
    private readonly List<object> _units = [];
    private readonly Dictionary<FusedOperation, object> _patterns = [];
    private readonly Dictionary<object, int> _indexes = [];
    private readonly Dictionary<Node, int> _last = [];

    /// <summary>Finds the units of a model.</summary>
    public PlanUnits(FusedGraph graph)
    {
        _graph = graph;
        Mixers = [.. graph.Operations.OfType<FusedGate>().Select(gate => VimMixer.Find(graph, gate))
            .OfType<VimMixer>()];
        foreach (VimMixer mixer in Mixers)
        {
            foreach (FusedOperation operation in mixer.Inner)
                _patterns.Add(operation, mixer);
        }
        Groups = ScanGroup.FindAll(graph, [.. _patterns.Keys]);
        foreach (ScanGroup group in Groups)
        {
            foreach (FusedOperation operation in group.Inner)
                _patterns.Add(operation, group);
        }
        foreach (FusedOperation operation in graph.Operations)
        {
            object? pattern = _patterns.GetValueOrDefault(operation);
            if (Mixers.FirstOrDefault(mixer => mixer.Gate == operation) is { } found)
                AddUnit(found, operation);
            else if (pattern is ScanGroup group && !_indexes.ContainsKey(group))
                AddUnit(group);
            else if (pattern is null)
                AddUnit(operation);
        }

        void AddUnit(object unit, FusedOperation? gate = null)
        {
            _indexes.Add(unit, _units.Count);
            if (gate is not null)
                _patterns.Add(gate, unit);
            _units.Add(unit);
        }
    }

    /// <summary>The Vim blocks.</summary>
    public IReadOnlyList<VimMixer> Mixers { get; }

    /// <summary>The scans that are launched together.</summary>
    public IReadOnlyList<ScanGroup> Groups { get; }

    /// <summary>The number of the current unit; −1 before the first one.</summary>
    public int Current { get; private set; } = -1;

    /// <summary>The current unit.</summary>
    public object Unit => _units[Current];

    /// <summary>The operation that stands for the current unit in messages.</summary>
    public Node Node => Unit switch
    {
        VimMixer mixer => mixer.Forward.Branch.Scan.Scan,
        ScanGroup group => group.Members[0].Branch.Scan.Scan,
        _ => ((FusedOperation)Unit).Main,
    };

    /// <summary>Goes on to the next unit; false behind the last one.</summary>
    public bool MoveNext() => ++Current < _units.Count;

    /// <summary>The number of a unit.</summary>
    public int IndexOf(object unit) => _indexes[unit];

    /// <summary>Whether a pattern computes an operation.</summary>
    public bool IsInner(FusedOperation operation) => _patterns.ContainsKey(operation);

    /// <summary>Whether only one unit reads a value, or views of it.</summary>
    public bool IsOnlyReadBy(Node node, object unit) => node != _graph.Graph.Output
        && _graph.ReadersOf(node).All(reader => _patterns.GetValueOrDefault(reader) == unit
            || (reader is ValueView view && IsOnlyReadBy(view.Node, unit)));

    /// <summary>The last unit that reads a value, or a view of it.</summary>
    public int LastOf(Node node)
    {
        if (node == _graph.Graph.Output)
            return int.MaxValue;
        if (_last.TryGetValue(node, out int known))
            return known;
        int last = -1;
        foreach (FusedOperation reader in _graph.ReadersOf(node))
        {
            last = Math.Max(last, _indexes[_patterns.GetValueOrDefault(reader, reader)]);
            // The kernel of the embedding inserts the token.
            if (reader is ValueView or SingleOperator { Node.Operator: InsertToken })
                last = Math.Max(last, LastOf(reader.Main));
        }
        // Scans write terms of a sum before the unit that adds them up.
        if (_graph.ProducerOf(node) is FusedSumNorm sum)
            last = Math.Max(last, _indexes[sum]);
        // Copies in other orders are made when somebody reads them.
        if (_graph.ProducerOf(node) is FusedConvolution convolution && convolution.Output == node)
            last = Math.Max(last, convolution.Copies.Select(LastOf).DefaultIfEmpty(-1).Max());
        _last.Add(node, last);
        return last;
    }
}
