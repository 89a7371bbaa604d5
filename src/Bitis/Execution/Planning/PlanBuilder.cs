using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Operations;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Convolution.Integer;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Execution.Planning;

/// <summary>
/// Turns a fused graph into a <see cref="Plan"/>: each operation adds its operations and claims the memory of its
/// values.
/// </summary>
internal sealed class PlanBuilder
{
    private readonly FusedGraph _graph;
    private readonly IReadOnlyDictionary<string, FloatTensor> _weights;
    private readonly IReadOnlyDictionary<string, QuantizedLayer> _layers;
    private readonly IReadOnlyDictionary<string, QuantizedScan> _scans;
    private readonly Dictionary<Node, ArenaMatrix> _values = [];
    private readonly Dictionary<Node, LevelMatrix> _levels = [];
    private readonly List<(Node Source, UniformQuantizer Quantizer, ArenaMatrix Levels)> _centered = [];
    private PackedWeightsByTensor _packed = [];
    private readonly List<CompiledOperation> _operations = [];
    private readonly List<ArenaBlock> _blocks = [];
    private int _current = -1;
    private bool _isOverTensors;
    private CancellationToken _cancellationToken;

    private PlanBuilder(
        FusedGraph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers,
        IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        _graph = graph;
        _weights = weights;
        _layers = layers;
        _scans = scans;
    }

    /// <summary>Plans a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters, by name.</param>
    /// <param name="layers">Its quantized layers, by node; null for a float model.</param>
    /// <param name="scans">Its quantized scans, by node; null for a float model.</param>
    /// <param name="packed">Weights that other plans packed; this one adds its own. Null for none.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    /// <exception cref="NotSupportedException">
    /// A layer or scan is quantized, but no operation computes its quantized form.
    /// </exception>
    public static Plan Build(
        Graph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer>? layers = null,
        IReadOnlyDictionary<string, QuantizedScan>? scans = null,
        PackedWeightsByTensor? packed = null,
        CancellationToken cancellationToken = default) => Build(
            FusionPass.Run(graph, FusionRules.Inference),
            weights,
            layers ?? new Dictionary<string, QuantizedLayer>(),
            scans ?? new Dictionary<string, QuantizedScan>(),
            packed,
            cancellationToken);

    /// <summary>Plans operations.</summary>
    /// <param name="graph">The operations.</param>
    /// <param name="weights">The float parameters, by name.</param>
    /// <param name="layers">The quantized layers, by node; empty for a float model.</param>
    /// <param name="scans">The quantized scans, by node; empty for a float model.</param>
    /// <param name="packed">Weights that other plans packed; this one adds its own. Null for none.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    /// <exception cref="NotSupportedException">
    /// A layer or scan is quantized, but no operation computes its quantized form.
    /// </exception>
    public static Plan Build(
        FusedGraph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers,
        IReadOnlyDictionary<string, QuantizedScan> scans,
        PackedWeightsByTensor? packed = null,
        CancellationToken cancellationToken = default)
    {
        var builder = new PlanBuilder(graph, weights, layers, scans)
        {
            _cancellationToken = cancellationToken,
            _packed = packed ?? [],
        };
        return builder.BuildOrDispose();
    }

    /// <summary>Plans a graph whose inputs and output are the caller's tensors.</summary>
    /// <remarks>
    /// No operation writes the inputs. The arena holds neither the inputs nor, unless it is a view, the output.
    /// </remarks>
    /// <param name="graph">The operations.</param>
    /// <param name="parameters">The float parameters, by name.</param>
    /// <param name="layers">The quantized layers, by node.</param>
    /// <param name="scans">The quantized scans, by node.</param>
    public static Plan BuildOverTensors(
        FusedGraph graph, IReadOnlyDictionary<string, FloatTensor> parameters,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        var builder = new PlanBuilder(graph, parameters, layers, scans)
        {
            _isOverTensors = true,
        };
        return builder.BuildOrDispose();
    }

    /// <summary>The place of a value.</summary>
    public ArenaMatrix Value(Node node) => _values[node];

    /// <summary>A parameter of a node.</summary>
    public FloatTensor Parameter(Node node, int index) => _weights[node.ParameterNames[index]];

    /// <summary>Packs a linear layer's parameters, once for all layers that share them.</summary>
    /// <param name="weight"><c>[outputs, inputs]</c></param>
    /// <param name="bias"><c>[outputs]</c>; null for none.</param>
    public PackedFloatWeights Pack(FloatTensor weight, FloatTensor? bias) => _packed.Share(
        weight, bias, () => new PackedFloatWeights(weight.Span, ValuesOf(bias), weight.Shape[0], weight.Shape[1]));

    /// <summary>Packs a convolution's filter, once for all layers that share it.</summary>
    /// <param name="layer">The convolution.</param>
    /// <param name="weight"><c>[outputs, inputs, kernel, kernel]</c></param>
    /// <param name="bias"><c>[outputs]</c>; null for none.</param>
    public PackedFloatWeights Pack(GridConv2d layer, FloatTensor weight, FloatTensor? bias) =>
        _packed.Share(weight, bias, () =>
        {
            float[] matrix = new float[weight.Length];
            GridPatches.PackWeights<float>(layer, weight.Span, matrix);
            return new PackedFloatWeights(
                matrix, ValuesOf(bias), layer.OutChannels, GridPatches.Length(layer), GridConv.Table.Best.Packing);
        });

    /// <summary>Packs a quantized linear layer, once for all plans that share it.</summary>
    /// <param name="layer">The layer, with levels of its weights.</param>
    /// <param name="bias"><c>[outputs]</c>; null for none.</param>
    public PackedIntegerWeights Pack(QuantizedLayer layer, FloatTensor? bias)
    {
        int outputs = layer.Weight!.Scales.Length;
        return _packed.Share(layer.Levels!, bias, () => new PackedIntegerWeights(
            layer.Levels, layer.Weight.Scales, ValuesOf(bias), outputs, layer.Levels!.Length / outputs,
            layer.Weight.Bits));
    }

    /// <summary>Packs a quantized convolution over a grid, once for all plans that share it.</summary>
    /// <param name="layer">The layer, with levels of its weights.</param>
    /// <param name="bias"><c>[outputs]</c>; null for none.</param>
    /// <param name="parts">The channels of each of its inputs.</param>
    /// <param name="kernelSize">The side of the filter.</param>
    public PackedGridWeights Pack(QuantizedLayer layer, FloatTensor? bias, int[] parts, int kernelSize) =>
        _packed.Share(layer.Levels!, bias, () => new PackedGridWeights(
            layer.Levels, layer.Weight!.Scales, ValuesOf(bias), parts, kernelSize, layer.Weight.Bits));

    /// <summary>The quantized layer of a node; null for a float layer.</summary>
    public QuantizedLayer? LayerOf(Node node) => _layers.GetValueOrDefault(node.Name);

    /// <summary>The quantized scan of a node; null for a float scan.</summary>
    public QuantizedScan? ScanOf(Node node) => _scans.GetValueOrDefault(node.Name);

    /// <summary>The index map through which a value is read; null for none.</summary>
    public int[]? IndexMapOf(Node node) => _graph.LayoutOf(node).IndexMap;

    /// <summary>The source of a reversed view; the value itself, if it is no such view.</summary>
    public Node UnreversedOf(Node node) =>
        _graph.ProducerOf(node) is ValueView { Reverses: true } ? node.Inputs[0] : node;

    /// <summary>Sets the place of a value of the current operation.</summary>
    /// <remarks>The place is new memory that an operation writes, or the memory of another value.</remarks>
    public void SetValue(Node node, ArenaMatrix place)
    {
        TokenLayout layout = _graph.LayoutOf(node);
        if (place.IsReversed != layout.IsReversed || !ReferenceEquals(place.RowMap, layout.IndexMap))
        {
            throw new InvalidOperationException(
                $"The tokens of '{node.Name}' lie in another order than the fusion says.");
        }

        _values.Add(node, place);
    }

    /// <summary>New memory for a value, with its tokens in the order that the fusion decided.</summary>
    public ArenaMatrix Allocate(Node node)
    {
        int columns = node.Shape.Rank == 0 ? 1 : node.Shape[^1];
        int rows = columns == 0 ? 0 : checked((int)(node.Shape.ElementCount / columns));
        return NewMatrix(rows, columns) with { IsReversed = _graph.LayoutOf(node).IsReversed };
    }

    /// <summary>New memory for a matrix.</summary>
    public ArenaMatrix NewMatrix(int rows, int columns) =>
        new(NewBlock((long)rows * columns * sizeof(float)), 0, rows, columns, columns);

    /// <summary>New memory.</summary>
    public ArenaBlock NewBlock(long bytes)
    {
        var block = new ArenaBlock(bytes);
        _blocks.Add(block);
        return block;
    }

    /// <summary>Whether the current operation may overwrite one of its inputs.</summary>
    /// <remarks>It may if nothing reads that memory later and no other input lies there.</remarks>
    public bool CanOverwrite(Node input)
    {
        ArenaBlock block = _values[input].Block;
        bool isShared = _graph.Operations[_current].Inputs.Any(
            other => other != input && _values[other].Block == block);
        return !isShared && !IsReadLater(block);
    }

    /// <summary>The place of an input, if the current operation may write its output there, or new memory.</summary>
    public ArenaMatrix PlaceOver(Node input, Node output) => CanOverwrite(input) ? _values[input] : Allocate(output);

    /// <summary>Adds an operation.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="reads">What it reads.</param>
    /// <param name="writes">What it writes.</param>
    /// <param name="room">Other memory that it uses.</param>
    /// <exception cref="InvalidOperationException">
    /// An operand does not lie in its block: a defect of the operation.
    /// </exception>
    public void Add(
        CompiledOperation operation, ReadOnlySpan<ArenaMatrix> reads, ReadOnlySpan<ArenaMatrix> writes,
        params ReadOnlySpan<ArenaBlock> room)
    {
        foreach (ArenaMatrix matrix in (ReadOnlySpan<ArenaMatrix>)[.. reads, .. writes])
        {
            matrix.RequireInside(operation.Name);
            matrix.Block.Touch(_operations.Count);
        }
        foreach (ArenaBlock block in room)
            block.Touch(_operations.Count);
        _operations.Add(operation);
    }

    /// <summary>
    /// Removes the operation that was added last, if it writes a matrix row by row; else returns null.
    /// </summary>
    /// <remarks>The operation that is added next reads these rows and runs the removed one.</remarks>
    public CompiledOperation? TakeWriter(ArenaMatrix matrix)
    {
        if (_operations.Count == 0 || _operations[^1] is not { Rows: { } rows } writer
            || rows with { IsReversed = matrix.IsReversed } != matrix)
        {
            return null;
        }

        _operations.RemoveAt(_operations.Count - 1);
        return writer;
    }

    /// <summary>The quantizer of the grid convolution that alone reads a value; null if others read it.</summary>
    /// <remarks>What computes the value may write levels then.</remarks>
    public UniformQuantizer? OnlyReader(Node node)
    {
        FusedOperation[] readers = [.. _graph.Operations.Where(operation => operation.Inputs.Contains(node))];
        return readers is [FusedGridConvolution { Convolution: var convolution }]
            && !_graph.Graph.Outputs.Contains(node) && LayerOf(convolution) is { IsInteger: true, Input: var input }
            ? input
            : null;
    }

    /// <summary>The levels that the operation of a value wrote instead of it; null if it wrote the value.</summary>
    public LevelMatrix? LevelsOf(Node node) =>
        _levels.TryGetValue(node, out LevelMatrix levels) ? levels : null;

    /// <summary>New memory for the levels of a value, which the current operation writes instead of it.</summary>
    public LevelMatrix SetLevels(Node node)
    {
        LevelMatrix levels = NewLevels(node.Shape[0], node.Shape[1]);
        _levels.Add(node, levels);
        return levels;
    }

    /// <summary>New memory for levels.</summary>
    public LevelMatrix NewLevels(int rows, int columns) =>
        new(NewBlock((long)rows * CompiledIntegerLinear.LevelStride(columns)), columns);

    /// <summary>The levels of a value less their zero point, as float32.</summary>
    /// <remarks>
    /// They are computed once for all layers that see the same values through the same quantizer. Both directions of a
    /// Vim block do.
    /// </remarks>
    /// <param name="source">The source of the value if it is a view, else the value.</param>
    /// <param name="quantizer">The quantizer.</param>
    /// <param name="create">Adds the operation that computes them.</param>
    public ArenaMatrix CenteredLevels(Node source, UniformQuantizer quantizer, Func<ArenaMatrix> create)
    {
        int known = _centered.FindIndex(
            entry => entry.Source == source && entry.Quantizer.HasSameParameters(quantizer));
        if (known < 0)
        {
            known = _centered.Count;
            _centered.Add((source, quantizer, create()));
        }
        return _centered[known].Levels;
    }

    private static ReadOnlySpan<float> ValuesOf(FloatTensor? bias) => bias is null ? default : bias.Span;

    private Plan BuildOrDispose()
    {
        try
        {
            return Build();
        }
        catch
        {
            _operations.ForEach(operation => operation.Dispose());
            throw;
        }
    }

    private Plan Build()
    {
        IReadOnlyList<Node> inputs = _graph.Graph.Inputs;
        foreach (Node input in inputs)
        {
            ArenaMatrix place = Allocate(input);
            place.Block.Touch(0);
            _values.Add(input, place);
        }
        for (_current = 0; _current < _graph.Operations.Count; _current++)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            OperationTable.For(_graph.Operations[_current]).Plan(this);
        }
        ArenaMatrix[] outputs = [.. _graph.Graph.Outputs.Select(node => _values[node])];
        foreach (ArenaMatrix one in outputs)
            one.Block.Touch(_operations.Count); // Outputs are read after the last operation.
        ArenaMatrix output = outputs[0];
        ArenaMatrix[] places = [.. inputs.Select(input => _values[input])];
        HashSet<ArenaBlock> bound = _isOverTensors ? [.. places.Select(place => place.Block)] : [];
        bool isOutputWhole = output.FillsBlock && !bound.Contains(output.Block);
        if (_isOverTensors && isOutputWhole)
            bound.Add(output.Block);
        return new Plan(_operations, places, outputs, isOutputWhole, ArenaPlanner.Place(_blocks, bound));
    }

    private bool IsReadLater(ArenaBlock block)
    {
        if (_isOverTensors && _graph.Graph.Inputs.Any(input => _values[input].Block == block))
            return true;
        for (int i = _current + 1; i < _graph.Operations.Count; i++)
        {
            foreach (Node input in _graph.Operations[i].Inputs)
            {
                if (_values.TryGetValue(input, out ArenaMatrix place) && place.Block == block)
                    return true;
            }
        }
        return _graph.Graph.Outputs.Any(
            node => _values.TryGetValue(node, out ArenaMatrix output) && output.Block == block);
    }
}
