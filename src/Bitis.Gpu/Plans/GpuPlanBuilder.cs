using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Gpu.Plans.Steps;
using Bitis.Gpu.Ptx;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans;

/// <summary>Turns the fused operations of a model into launches.</summary>
/// <remarks>
/// <see cref="PlanUnits"/> says what is launched together. <see cref="GpuMemory"/> gives the memory of values that
/// nothing reads any more to later ones.
/// </remarks>
internal sealed class GpuPlanBuilder
{
    private readonly GpuDevice _device;
    private readonly FusedGraph _graph;
    private readonly IReadOnlyDictionary<string, FloatTensor> _weights;
    private readonly int _images;
    private readonly GpuPrecision _precision;
    private readonly PtxTarget _target;
    private readonly IReadOnlyDictionary<string, QuantizedLayer> _layers;
    private readonly IReadOnlyDictionary<string, QuantizedScan> _scans;
    private readonly Dictionary<Node, GpuMatrix> _values = [];
    private readonly Dictionary<Node, GpuLevels> _levels = [];
    private readonly Dictionary<Node, IReadOnlyList<GpuMatrix>> _terms = [];
    private readonly Dictionary<ScanGroup, IReadOnlyList<ProjectionLevels>> _projectionLevels = [];
    private readonly Dictionary<VimMixer, (GpuLevels X, GpuMatrix Z)> _splits = [];
    private readonly Dictionary<string, GpuFunction> _functions = [];
    private readonly List<IDisposable> _owned = [];
    private readonly GpuMemory _memory;
    private readonly PlanUnits _units;
    private readonly List<Func<int, GpuLaunch>> _steps = [];

    private GpuPlanBuilder(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans,
        int images, GpuPrecision precision)
    {
        (_device, _weights, _layers, _scans, _images) = (device, weights, layers, scans, images);
        _precision = precision;
        _graph = FusionPass.Run(graph, FusionRules.Gpu);
        _target = PtxTarget.For(device.Capability);
        _memory = new GpuMemory(device, _owned);
        _units = new PlanUnits(_graph);
    }

    /// <summary>The number of images that memory is for.</summary>
    public int Images => _images;

    /// <summary>The model.</summary>
    public FusedGraph Graph => _graph;

    /// <summary>Plans a float model.</summary>
    /// <param name="device">The device, which must outlive the plan.</param>
    /// <param name="model">The model.</param>
    /// <param name="images">The most images at a time.</param>
    /// <param name="precision">What is kept between kernels.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    /// <exception cref="BitisException">
    /// An operation has no kernel, a weight is beyond the range of float16, or the device has too little memory.
    /// </exception>
    public static GpuPlan Build(
        GpuDevice device, VisionModel model, int images, GpuPrecision precision,
        CancellationToken cancellationToken = default) =>
        Build(device, model.Graph, model.Weights, images, precision, cancellationToken);

    /// <summary>Plans a graph in floats.</summary>
    /// <param name="device">The device, which must outlive the plan.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images at a time.</param>
    /// <param name="precision">What is kept between kernels.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    /// <exception cref="BitisException">As for a model.</exception>
    public static GpuPlan Build(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, int images,
        GpuPrecision precision, CancellationToken cancellationToken = default) =>
        Build(
            device, graph, weights, new Dictionary<string, QuantizedLayer>(),
            new Dictionary<string, QuantizedScan>(), images, precision, cancellationToken);

    /// <summary>Plans a quantized model.</summary>
    /// <param name="device">The device, which must outlive the plan.</param>
    /// <param name="model">The model.</param>
    /// <param name="images">The most images at a time.</param>
    /// <param name="precision">What is kept between kernels where it is not levels.</param>
    /// <param name="cancellationToken">Ends the work between two operations.</param>
    /// <exception cref="BitisException">An operation has no kernel, or the device has too little memory.</exception>
    public static GpuPlan Build(
        GpuDevice device, QuantizedModel model, int images, GpuPrecision precision = GpuPrecision.Floats,
        CancellationToken cancellationToken = default) =>
        Build(
            device, model.Graph, model.Weights, model.Layers, model.Scans, images, precision, cancellationToken);

    private static GpuPlan Build(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans,
        int images, GpuPrecision precision, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1);
        List<IDisposable> owned = [];
        try
        {
            var builder = new GpuPlanBuilder(device, graph, weights, layers, scans, images, precision);
            owned = builder._owned;
            return builder.Build(cancellationToken);
        }
        catch
        {
            owned.ForEach(resource => resource.Dispose());
            throw;
        }
    }

    /// <summary>The scans that are launched together.</summary>
    public IReadOnlyList<ScanGroup> Groups => _units.Groups;

    /// <summary>The place of a value.</summary>
    /// <remarks>An arrangement that nothing has computed is copied now, and a sum of directions is added up.</remarks>
    /// <exception cref="BitisException">It has none.</exception>
    public GpuMatrix Value(Node node)
    {
        if (_values.TryGetValue(node, out GpuMatrix? value))
            return value;
        if (_terms.TryGetValue(node, out IReadOnlyList<GpuMatrix>? terms))
            SetValue(node, ElementSteps.AddUp(this, terms));
        else if (node.Operator is ArrangeTokens arrangement && IsView(node.Inputs[0]))
            SetValue(node, ElementSteps.Arrange(this, Value(node.Inputs[0]), arrangement.Sources));
        else if (node.Operator is ReverseTokens && IsView(node.Inputs[0]))
            SetValue(node, Turned(Value(node.Inputs[0])));
        else
            throw Missing(node);
        return _values[node];

        static GpuMatrix Turned(GpuMatrix source) => source with { IsReversed = !source.IsReversed };
    }

    /// <summary>A value with its tokens in their natural order.</summary>
    public GpuMatrix Natural(Node node) => ElementSteps.InOrder(this, Value(node));

    /// <summary>Sets the place of a value, which is written now.</summary>
    public void SetValue(Node node, GpuMatrix place)
    {
        _values.Add(node, place);
        _memory.Hold(place.Buffer, _units.LastOf(node));
    }

    /// <summary>Sets the terms of a sum that the readers compute.</summary>
    public void SetTerms(Node node, IReadOnlyList<GpuMatrix> terms)
    {
        _terms.Add(node, terms);
        foreach (GpuMatrix term in terms)
            _memory.Hold(term.Buffer, _units.LastOf(node));
    }

    /// <summary>The terms of a sum that has none of its own memory; null if it has.</summary>
    public IReadOnlyList<GpuMatrix>? TermsOf(Node node) => _terms.GetValueOrDefault(node);

    /// <summary>Whether a value, or its levels, are there.</summary>
    public bool Has(Node node) => _values.ContainsKey(node) || _levels.ContainsKey(node) || _terms.ContainsKey(node);

    /// <summary>The levels of a value that the only reader wants; null if the value is floats.</summary>
    public GpuLevels? LevelsOf(Node node) => _levels.GetValueOrDefault(node);

    /// <summary>Sets the place of a value's levels.</summary>
    public void SetLevels(Node node, GpuLevels levels)
    {
        _levels.Add(node, levels);
        _memory.Hold(levels.Buffer, _units.LastOf(node));
    }

    /// <summary>Reserves the levels that the projections of a group want, for the kernel that computes u.</summary>
    public IReadOnlyList<ProjectionLevels> ReserveProjectionLevels(ScanGroup group, int rows)
    {
        ProjectionLevels[] levels = [.. ProjectionLevels.Find(this, group, rows).Select(
            found => found with { Levels = LevelScratch(rows, group.First.U.Shape[^1]) })];
        foreach (ProjectionLevels found in levels)
            _memory.Hold(found.Levels!.Buffer, _units.IndexOf(group));
        _projectionLevels.Add(group, levels);
        return levels;
    }

    /// <summary>The levels that the kernel that computes u has written; null if it has not.</summary>
    public IReadOnlyList<ProjectionLevels>? ProjectionLevelsOf(ScanGroup group) =>
        _projectionLevels.GetValueOrDefault(group);

    /// <summary>New memory for a value: floats, or the levels that its only reader wants.</summary>
    /// <param name="node">The value.</param>
    /// <param name="repetitions">How often the kernel needs parameters of all rows: once, or for each image.</param>
    /// <param name="isReversed">Whether the kernel writes rows of floats in the opposite order.</param>
    /// <param name="keepsFloats">Whether floats are float32 in every precision.</param>
    public GpuTarget NewTarget(Node node, int repetitions, bool isReversed = false, bool keepsFloats = false)
    {
        int columns = node.Shape[^1], rows = (int)(node.Shape.ElementCount / columns);
        if (OnlyReadingLayer(node) is { } layer)
        {
            GpuLevels levels = LevelScratch(rows, columns);
            SetLevels(node, levels);
            TokenScales scales = TokenScales.Of(this, rows, repetitions, (layer, RowTokens.Natural));
            return new GpuTarget(null, levels, TokenScales.ShapeOf(layer), scales.Levels);
        }
        GpuMatrix values = keepsFloats || node == _graph.Graph.Output
            ? Scratch(rows, columns)
            : Activations(rows, columns);
        SetValue(node, values with { IsReversed = isReversed });
        return GpuTarget.Of(values);
    }

    /// <summary>The quantized layer of a node; null for a float layer.</summary>
    /// <exception cref="BitisException">No kernel computes the layer.</exception>
    public QuantizedLayer? LayerOf(Node node)
    {
        if (!_layers.TryGetValue(node.Name, out QuantizedLayer? layer))
            return null;
        string? what = !layer.IsInteger ? " with levels on one side only"
            : layer.RotationOrder > 1 ? " with a rotated input"
            : layer.InputFactors is not null && node.Operator is not Linear ? " with factors of its input"
            : null;
        return what is null ? layer : throw Missing(node, what);
    }

    /// <summary>The quantized scan of a node; null for a float scan.</summary>
    public QuantizedScan? ScanOf(Node node) => _scans.GetValueOrDefault(node.Name);

    /// <summary>The quantized layer that alone reads a value, perhaps one row of it; null if others read it.</summary>
    public QuantizedLayer? OnlyReadingLayer(Node node)
    {
        FusedOperation? reader = _graph.OnlyReaderOf(node);
        if (reader is ValueView { Node.Operator: SelectToken } view)
            reader = _graph.OnlyReaderOf(view.Node);
        return reader is SingleOperator { Node: { Operator: Linear } layer } && !_units.IsInner(reader)
            ? LayerOf(layer)
            : null;
    }

    /// <summary>A parameter of a node.</summary>
    public FloatTensor Parameter(Node node, int index) => _weights[node.ParameterNames[index]];

    /// <summary>Values that never change, on the device.</summary>
    public GpuBuffer Constant<T>(ReadOnlySpan<T> values)
        where T : unmanaged => _device.Constant(values);

    /// <summary>Whether values between kernels are float16.</summary>
    public bool KeepsHalves => _precision != GpuPrecision.Floats;

    /// <summary>Whether states of float scans are float16.</summary>
    public bool HasHalfStates => _precision == GpuPrecision.HalfStates;

    /// <summary>The block whose x and z a layer computes; null for other layers.</summary>
    public VimMixer? MixerOf(Node node) => _units.Mixers.FirstOrDefault(
        mixer => mixer.Input == node && _units.IsOnlyReadBy(node, mixer));

    /// <summary>Whether only one unit reads a value, or views of it.</summary>
    public bool IsOnlyReadBy(Node node, object unit) => _units.IsOnlyReadBy(node, unit);

    /// <summary>Sets x as levels, and z.</summary>
    public void SetSplit(VimMixer mixer, GpuLevels x, GpuMatrix z)
    {
        _splits.Add(mixer, (x, z));
        _memory.Hold(x.Buffer, _units.IndexOf(mixer));
        _memory.Hold(z.Buffer, _units.IndexOf(mixer));
    }

    /// <summary>x as levels, and z; null if they are one value.</summary>
    public (GpuLevels X, GpuMatrix Z)? SplitOf(VimMixer mixer) =>
        _splits.TryGetValue(mixer, out (GpuLevels X, GpuMatrix Z) split) ? split : null;

    /// <summary>Float32 memory, for this unit or as long as a value that is set there lives.</summary>
    public GpuMatrix Scratch(int rows, int columns) =>
        new(_memory.Take((long)_images * rows * columns * sizeof(float), _units.Current), 0, rows, columns, columns);

    /// <summary>As <see cref="Scratch"/>, in the precision of the plan.</summary>
    public GpuMatrix Activations(int rows, int columns)
    {
        if (!KeepsHalves)
            return Scratch(rows, columns);
        int stride = LinearShape.RowHalves(columns);
        GpuBuffer buffer = _memory.Take((long)_images * rows * stride * sizeof(ushort), _units.Current);
        return new GpuMatrix(buffer, 0, rows, columns, stride) { IsHalves = true };
    }

    /// <summary>As <see cref="Scratch"/>, for levels.</summary>
    public GpuLevels LevelScratch(int rows, int columns)
    {
        int stride = LinearShape.RowBytes(columns);
        GpuBuffer buffer = _memory.Take((long)_images * rows * stride, _units.Current);
        return new GpuLevels(buffer, 0, rows, columns, stride);
    }

    /// <summary>Whether this unit may overwrite a value: nothing reads its memory later.</summary>
    public bool CanOverwrite(GpuMatrix value) => _memory.EndsBy(value.Buffer, _units.Current);

    /// <summary>The best kernel for a shape, ready.</summary>
    /// <param name="table">The table.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="countOfImage">The rows of an image, or 1, as the table's grids count.</param>
    /// <exception cref="BitisException">There is none.</exception>
    public (GpuFunction Function, GpuKernelRow<TShape> Row) Load<TShape>(
        GpuKernelTable<TShape> table, TShape shape, int countOfImage = 1) =>
        table.Find(_device, shape, _images * countOfImage) is { } row
            ? Ready(row, shape)
            : throw Missing(_units.Node, " of this size");

    /// <summary>The best kernel for a shape, ready; null if none fits the shape and the device.</summary>
    public (GpuFunction Function, GpuKernelRow<TShape> Row)? Find<TShape>(
        GpuKernelTable<TShape> table, TShape shape) =>
        table.Find(_device, shape, _images) is { } row ? Ready(row, shape) : null;

    /// <summary>Adds a launch, which depends on the number of images.</summary>
    public void Add(Func<int, GpuLaunch> step) => _steps.Add(step);

    private (GpuFunction Function, GpuKernelRow<TShape> Row) Ready<TShape>(GpuKernelRow<TShape> row, TShape shape)
    {
        PtxKernel kernel = row.Emit(shape, _target) with { Shape = shape };
        if (!_functions.TryGetValue(kernel.Text, out GpuFunction? function))
            _functions.Add(kernel.Text, function = Own(_device.Load(kernel)));
        return (function, row);
    }

    private GpuPlan Build(CancellationToken cancellationToken)
    {
        Node image = _graph.Graph.Input;
        int columns = image.Shape[^1], rows = (int)(image.Shape.ElementCount / columns);
        GpuBuffer pixels = Own(_device.Allocate((long)_images * image.Shape.ElementCount * sizeof(float)));
        var input = new GpuMatrix(pixels, 0, rows, columns, columns);
        _values.Add(image, input);
        while (_units.MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (_units.Unit)
            {
                case VimMixer mixer:
                    MixerSteps.Add(this, mixer);
                    break;
                case ScanGroup group:
                    GroupSteps.Add(this, group);
                    break;
                case ValueView view:
                    AddView(view);
                    break;
                case FusedOperation operation when !OperationSteps.TryAdd(this, operation):
                    throw Missing(operation.Main);
            }
            Forget(_memory.Release(_units.Current));
        }
        if (_graph.Graph.Output.Shape.Rank != 1)
            throw Missing(_graph.Graph.Output);
        GpuMatrix output = ElementSteps.Dense(this, Value(_graph.Graph.Output));
        return new GpuPlan(_device, _steps, _owned, input, output, _images);
    }

    /// <summary>Values whose memory is free can be read no more.</summary>
    private void Forget(IReadOnlySet<GpuBuffer> free)
    {
        Remove(_values, value => value.Buffer);
        Remove(_levels, levels => levels.Buffer);
        Remove(_terms, terms => terms[0].Buffer);

        void Remove<T>(Dictionary<Node, T> places, Func<T, GpuBuffer> bufferOf)
        {
            Node[] gone = [.. places.Where(pair => free.Contains(bufferOf(pair.Value))).Select(pair => pair.Key)];
            foreach (Node node in gone)
                places.Remove(node);
        }
    }

    /// <summary>Whether a value can be had without an operation of its own.</summary>
    private bool IsView(Node node) => _values.ContainsKey(node) || _terms.ContainsKey(node)
        || (node.Operator is ReverseTokens or ArrangeTokens && IsView(node.Inputs[0]));

    /// <summary>Views of what scans read have no place, and arrangements none before a reader wants it.</summary>
    private void AddView(ValueView view)
    {
        Node source = view.Node.Inputs[0];
        if (view.Node.Operator is SelectToken row && _levels.TryGetValue(source, out GpuLevels? levels))
            SetLevels(view.Node, levels.Row(row.Position));
        if (view.Node.Operator is ArrangeTokens or ReverseTokens || !IsView(source))
            return;
        if (view.Node.Operator is SelectToken token)
            SetValue(view.Node, Value(source).Row(token.Position));
        else if (view.FirstChannel is { } first)
            SetValue(view.Node, Value(source).Slice(first, view.Node.Shape[^1]));
    }

    private T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>What says that an operation has no kernel.</summary>
    /// <param name="node">The operation.</param>
    /// <param name="what">What about it, with a space in front.</param>
    public static BitisException Missing(Node node, string what = "") =>
        new($"The GPU has no kernel for '{node.Name}' ({node.Kind}){what}. Run it on the CPU.");
}
