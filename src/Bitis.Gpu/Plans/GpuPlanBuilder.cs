using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
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
/// Launches run in order, so a value that is read only within a block shares its memory with that of other blocks:
/// <see cref="Scratch"/>.
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
    private readonly Dictionary<GpuBuffer, Node> _writers = [];
    private readonly Dictionary<(string Role, long Bytes), GpuBuffer> _scratch = [];
    private readonly Dictionary<string, GpuFunction> _functions = [];
    private readonly List<IDisposable> _owned = [];
    private readonly List<Func<int, GpuLaunch>> _steps = [];

    private GpuPlanBuilder(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans,
        int images, GpuPrecision precision)
    {
        (_device, _weights, _layers, _scans, _images) = (device, weights, layers, scans, images);
        _precision = precision;
        _graph = FusionPass.Run(graph, FusionRules.Inference);
        _target = PtxTarget.For(device.Capability);
    }

    /// <summary>The number of images that memory is for.</summary>
    public int Images => _images;

    /// <summary>The model.</summary>
    public FusedGraph Graph => _graph;

    /// <summary>Plans a float model.</summary>
    /// <param name="device">The device, which the plan owns from now on.</param>
    /// <param name="model">The model.</param>
    /// <param name="images">The most images at a time.</param>
    /// <param name="precision">What is kept between kernels.</param>
    /// <exception cref="BitisException">
    /// An operation has no kernel, a weight is beyond the range of float16, or the device has too little memory. The
    /// device is disposed of then.
    /// </exception>
    public static GpuPlan Build(GpuDevice device, VisionModel model, int images, GpuPrecision precision) =>
        Build(device, model.Graph, model.Weights, images, precision);

    /// <summary>Plans a graph in floats.</summary>
    /// <param name="device">The device, which the plan owns from now on.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="images">The most images at a time.</param>
    /// <param name="precision">What is kept between kernels.</param>
    /// <exception cref="BitisException">As for a model.</exception>
    public static GpuPlan Build(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, int images,
        GpuPrecision precision) =>
        Build(
            device, graph, weights, new Dictionary<string, QuantizedLayer>(),
            new Dictionary<string, QuantizedScan>(), images, precision);

    /// <summary>Plans a quantized model.</summary>
    /// <param name="device">The device, which the plan owns from now on.</param>
    /// <param name="model">The model.</param>
    /// <param name="images">The most images at a time.</param>
    /// <exception cref="BitisException">
    /// An operation has no kernel, or the device has too little memory. The device is disposed of then.
    /// </exception>
    public static GpuPlan Build(GpuDevice device, QuantizedModel model, int images) =>
        Build(device, model.Graph, model.Weights, model.Layers, model.Scans, images, GpuPrecision.Floats);

    private static GpuPlan Build(
        GpuDevice device, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans,
        int images, GpuPrecision precision)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1);
        List<IDisposable> owned = [];
        try
        {
            var builder = new GpuPlanBuilder(device, graph, weights, layers, scans, images, precision);
            owned = builder._owned;
            return builder.Build();
        }
        catch
        {
            owned.ForEach(resource => resource.Dispose());
            device.Dispose();
            throw;
        }
    }

    /// <summary>The place of a value.</summary>
    /// <exception cref="BitisException">It has none, or another value was written there since.</exception>
    public GpuMatrix Value(Node node)
    {
        if (!_values.TryGetValue(node, out GpuMatrix? value))
            throw Missing(node);
        Node written = node;
        while (_graph.ProducerOf(written) is ValueView view)
            written = view.Node.Inputs[0];
        return _writers.GetValueOrDefault(value.Buffer, written) == written
            ? value
            : throw new BitisException($"The GPU cannot keep '{node.Name}' ({node.Kind}). Run it on the CPU.");
    }

    /// <summary>Sets the place of a value, which is written now.</summary>
    public void SetValue(Node node, GpuMatrix place)
    {
        _values.Add(node, place);
        _writers[place.Buffer] = node;
    }

    /// <summary>The levels of a value.</summary>
    public GpuLevels Levels(Node node) =>
        _levels.TryGetValue(node, out GpuLevels? levels) ? levels : throw Missing(node);

    /// <summary>Sets the place of a value's levels.</summary>
    public void SetLevels(Node node, GpuLevels levels) => _levels.Add(node, levels);

    /// <summary>The quantized layer of a node; null for a float layer.</summary>
    /// <exception cref="BitisException">No kernel computes the layer.</exception>
    public QuantizedLayer? LayerOf(Node node)
    {
        if (!_layers.TryGetValue(node.Name, out QuantizedLayer? layer))
            return null;
        string? what = !layer.IsInteger ? "levels on one side only"
            : layer.RotationOrder > 1 ? "a rotated input"
            : layer.InputFactors is not null ? "factors of its input"
            : null;
        return what is null
            ? layer
            : throw new BitisException(
                $"The GPU has no kernel for '{node.Name}' ({node.Kind}) with {what}. Run it on the CPU.");
    }

    /// <summary>The quantized scan of a node; null for a float scan.</summary>
    public QuantizedScan? ScanOf(Node node) => _scans.GetValueOrDefault(node.Name);

    /// <summary>The quantized layer that alone reads a value, perhaps one row of it; null if others read it.</summary>
    public QuantizedLayer? OnlyReadingLayer(Node node)
    {
        FusedOperation? reader = _graph.OnlyReaderOf(node);
        if (reader is ValueView { Node.Operator: SelectToken } view)
            reader = _graph.OnlyReaderOf(view.Node);
        return reader is SingleOperator { Node: { Operator: Linear } layer } ? LayerOf(layer) : null;
    }

    /// <summary>A parameter of a node.</summary>
    public FloatTensor Parameter(Node node, int index) => _weights[node.ParameterNames[index]];

    /// <summary>Values that never change, on the device.</summary>
    public GpuBuffer Constant<T>(ReadOnlySpan<T> values)
        where T : unmanaged => Own(_device.Upload(values));

    /// <summary>New float32 memory for a value that is read anywhere.</summary>
    public GpuMatrix Allocate(int rows, int columns) =>
        new(Own(_device.Allocate((long)_images * rows * columns * sizeof(float))), 0, rows, columns, columns);

    /// <summary>Whether values between kernels are float16.</summary>
    public bool KeepsHalves => _precision == GpuPrecision.Halves;

    /// <summary>Float32 memory for a value that is read before another one of the same role is written.</summary>
    public GpuMatrix Scratch(string role, int rows, int columns)
    {
        long bytes = (long)_images * rows * columns * sizeof(float);
        if (!_scratch.TryGetValue((role, bytes), out GpuBuffer? buffer))
            _scratch.Add((role, bytes), buffer = Own(_device.Allocate(bytes)));
        return new GpuMatrix(buffer, 0, rows, columns, columns);
    }

    /// <summary>As <see cref="Scratch"/>, in the precision of the plan.</summary>
    public GpuMatrix Activations(string role, int rows, int columns)
    {
        if (!KeepsHalves)
            return Scratch(role, rows, columns);
        int stride = LinearShape.RowHalves(columns);
        GpuMatrix words = Scratch($"halves of {role}", rows, stride * sizeof(ushort) / sizeof(float));
        return new GpuMatrix(words.Buffer, 0, rows, columns, stride) { IsHalves = true };
    }

    /// <summary>As <see cref="Scratch"/>, for levels.</summary>
    public GpuLevels LevelScratch(string role, int rows, int columns)
    {
        int stride = LinearShape.RowBytes(columns);
        GpuMatrix words = Scratch($"levels of {role}", rows, stride / sizeof(float));
        return new GpuLevels(words.Buffer, 0, rows, columns, stride);
    }

    /// <summary>The best kernel for a shape, ready.</summary>
    /// <param name="table">The table.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="countOfImage">The rows of an image, or 1, as the table's grids count.</param>
    public (GpuFunction Function, GpuKernelRow<TShape> Row) Load<TShape>(
        GpuKernelTable<TShape> table, TShape shape, int countOfImage = 1)
    {
        GpuKernelRow<TShape> row = table.Best(_device, shape, _images * countOfImage);
        PtxKernel kernel = row.Emit(shape, _target) with { Shape = shape };
        if (!_functions.TryGetValue(kernel.Text, out GpuFunction? function))
            _functions.Add(kernel.Text, function = Own(_device.Load(kernel)));
        return (function, row);
    }

    /// <summary>Adds a launch, which depends on the number of images.</summary>
    public void Add(Func<int, GpuLaunch> step) => _steps.Add(step);

    /// <summary>Whether a value may be overwritten by an operation that reads it.</summary>
    public bool CanOverwrite(Node node, FusedOperation reader) =>
        node != _graph.Graph.Output && _graph.ReadersOf(node).All(other => other.Position <= reader.Position);

    private GpuPlan Build()
    {
        Node image = _graph.Graph.Input;
        int tokens = image.Shape.Rank == 2 ? image.Shape[0] : 1;
        GpuMatrix input = Allocate(tokens, (int)image.Shape.ElementCount / tokens);
        _values.Add(image, input);
        VimMixer[] mixers = [.. _graph.Operations.OfType<FusedGate>().Select(gate => VimMixer.Find(_graph, gate))
            .OfType<VimMixer>()];
        HashSet<FusedOperation> inner = [.. mixers.SelectMany(mixer => mixer.Inner)];
        foreach (FusedOperation operation in _graph.Operations.Where(operation => !inner.Contains(operation)))
        {
            if (mixers.FirstOrDefault(mixer => mixer.Gate == operation) is { } found)
                MixerSteps.Add(this, found);
            else if (operation is ValueView view)
                AddView(view);
            else if (!OperationSteps.TryAdd(this, operation))
                throw Missing(operation.Main);
        }
        GpuMatrix output = Value(_graph.Graph.Output);
        if (output.Rows != 1 || output.Stride != output.Columns || output.IsHalves)
            throw Missing(_graph.Graph.Output);
        return new GpuPlan(_device, _steps, _owned, input, output, _images);
    }

    /// <summary>Views of values that kernels of a mixer read themselves have no place.</summary>
    private void AddView(ValueView view)
    {
        if (view.Node.Operator is SelectToken row && _levels.TryGetValue(view.Node.Inputs[0], out GpuLevels? levels))
            _levels.Add(view.Node, levels.Row(row.Position));
        if (!_values.TryGetValue(view.Node.Inputs[0], out GpuMatrix? source))
            return;
        if (view.Node.Operator is SelectToken token)
            _values.Add(view.Node, source.Row(token.Position));
        else if (view.FirstChannel is { } first)
            _values.Add(view.Node, source.Slice(first, view.Node.Shape[^1]));
    }

    private T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>What says that an operation has no kernel.</summary>
    public static BitisException Missing(Node node) =>
        new($"The GPU has no kernel for '{node.Name}' ({node.Kind}). Run it on the CPU.");
}
