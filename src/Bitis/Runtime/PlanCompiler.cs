using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Runtime.Steps;
using Bitis.Tensors;
using SelectiveScan = Bitis.Operators.SelectiveScan;

namespace Bitis.Runtime;

/// <summary>
/// Compiles a graph into a <see cref="Plan"/>: chooses a kernel for each node, fuses neighbours, and gives every value a
/// place. What it fuses:
/// <code>
///   conv2d → flatten                      patch embedding: unfold, then one matrix product
///   add → norm                            the residual stream is updated in place
///   causal or depthwise conv → silu       the former reads its tokens, the latter writes copies, in the orders that scans want
///   arrange → add → norm                  cross merge: the sum reads one term through an index map
///   arrange → product, mean, gated sum    the ways back of local scans, likewise
///   softplus → scan
///   scan, scan → reverse, add             the second direction adds to the first one's output
///   scale, silu → multiply                the gate, in place
///   slice, reverse, select                views: no step at all
/// </code>
/// An operator that it does not know runs through its reference forward.
/// </summary>
internal sealed class PlanCompiler
{
    private readonly Graph _graph;
    private readonly IReadOnlyDictionary<string, Tensor> _weights;
    private readonly IReadOnlyDictionary<string, QuantizedLinear> _linears;
    private readonly IReadOnlyDictionary<string, QuantizedScan> _scans;
    private readonly ILookup<Node, Node> _consumers;
    private readonly Dictionary<Node, ArenaMatrix> _values = [];
    private readonly List<Step> _steps = [];
    private readonly HashSet<ArenaBlock> _blocks = [];

    private PlanCompiler(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        IReadOnlyDictionary<string, QuantizedLinear> linears,
        IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        _graph = graph;
        _weights = weights;
        _linears = linears;
        _scans = scans;
        _consumers = graph.Nodes
            .SelectMany(node => node.Inputs, (node, input) => (node, input))
            .ToLookup(use => use.input, use => use.node);
    }

    /// <summary>Compiles a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters, by name.</param>
    /// <param name="linears">Its quantized layers, by node; empty for a float model.</param>
    /// <param name="scans">Its quantized scans, by node; empty for a float model.</param>
    public static Plan Compile(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        IReadOnlyDictionary<string, QuantizedLinear> linears,
        IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        var compiler = new PlanCompiler(graph, weights, linears, scans);
        try
        {
            return compiler.Compile();
        }
        catch
        {
            compiler._steps.ForEach(step => step.Dispose());
            throw;
        }
    }

    private Plan Compile()
    {
        foreach (Node node in _graph.Nodes)
        {
            // A fusion may have computed the node already.
            if (!_values.ContainsKey(node))
                CompileNode(node);
        }
        ArenaMatrix output = _values[_graph.Output];
        output.Block.Touch(_steps.Count); // The answer is read after the last step.
        long bytes = ArenaPlanner.Place(_blocks);
        return new Plan(_steps, _values[_graph.Input], output, bytes);
    }

    private void CompileNode(Node node)
    {
        switch (node.Operator)
        {
            case Input:
                _values[node] = Allocate(node);
                _values[node].Block.Touch(0);
                break;
            case SliceChannels slice:
                _values[node] = Value(node, 0).Slice(slice.Start, slice.Length);
                break;
            case ReverseTokens:
                _values[node] = Value(node, 0).Reverse();
                break;
            case SelectToken select:
                _values[node] = Value(node, 0).Row(select.Position);
                break;
            case Conv2d convolution when OnlyConsumer(node) is { Operator: FlattenSpatial } flatten:
                CompilePatches(node, convolution, flatten);
                break;
            case InsertToken insert when !Value(node, 0).IsReversed:
                Emit(node, y => new InsertTokenStep(node.Name, Value(node, 0), y, Parameter(node, 0), insert.Position));
                break;
            case AddEmbedding when IsLastUse(node, 0) && !Value(node, 0).IsReversed:
                EmitInPlace(node, 0, y => new AddEmbeddingStep(node.Name, y, Parameter(node, 0)));
                break;
            case RmsNorm or LayerNorm:
                CompileNorm(node, Value(node, 0), residual: null);
                break;
            case GroupNorm norm when Value(node, 0).RowMap is null:
                CompileGroupNorm(node, norm);
                break;
            case Linear linear:
                CompileLinear(node, linear);
                break;
            case CausalConv1d when OnlyConsumer(node) is { Operator: Silu } silu:
                CompileConvolution(node, silu);
                break;
            case DepthwiseConv2d layer when !Value(node, 0).IsReversed:
                CompileDepthwise(node, layer);
                break;
            case GridConv2d layer when !Value(node, 0).IsReversed:
                CompileGridConvolution(node, layer);
                break;
            case ArrangeTokens arrangement when !Value(node, 0).IsReversed:
                CompileArrangement(node, arrangement);
                break;
            case MergePatches merge when !Value(node, 0).IsReversed:
                EmitOrder(node, [.. Enumerable.Range(0, node.Shape[0] * MergePatches.Parts)
                    .Select(i => merge.Source(i / MergePatches.Parts, i % MergePatches.Parts) ?? -1)]);
                break;
            case Softplus when OnlyConsumer(node) is { Operator: SelectiveScan } scan && scan.Inputs[1] == node:
                _values[node] = Value(node, 0); // The scan applies it.
                break;
            case SelectiveScan when CanScan(node):
                CompileScan(node);
                break;
            case SelectiveScan:
                // The kernel would have applied the softplus; the reference does not.
                if (node.Inputs[1].Operator is Softplus && OnlyConsumer(node.Inputs[1]) == node)
                    CompileReference(node.Inputs[1]);
                CompileReference(node);
                break;
            case Add:
                CompileAdd(node);
                break;
            case Scale or Silu when OnlyConsumer(node) is { } product && GateOf(product) is { } gate
                && (gate.Scale == node || gate.Silu == node):
                _values[node] = Value(node, 0); // The gate applies it.
                break;
            case Multiply when GateOf(node) is { } gate:
                Node scanned = gate.Scale ?? gate.Values;
                float factor = gate.Scale is { Operator: Scale scale } ? scale.Factor : 1;
                EmitInPlace(node, _values[scanned], y => new GateStep(node.Name, y, _values[gate.Silu], factor));
                break;
            case Multiply when Value(node, 0).IsReversed == Value(node, 1).IsReversed && Value(node, 1).RowMap is null:
                CompileProduct(node);
                break;
            case MeanOfNorms means when !node.Inputs.Any(input => _values[input].IsReversed):
                Emit(node, y => new MeanOfNormsStep(
                    node.Name, [.. node.Inputs.Select(input => _values[input])], y, Parameter(node, 0), Parameter(node, 1), means.Epsilon));
                break;
            case GatedSum when !node.Inputs.Any(input => _values[input].IsReversed):
                Emit(node, y => new GatedSumStep(node.Name, Value(node, 0), [.. node.Inputs.Skip(1).Select(input => _values[input])], y));
                break;
            case RotaryPositions positions when !Value(node, 0).IsReversed:
                EmitInPlaceIfLast(node, y => new RotaryStep(node.Name, positions, Value(node, 0), y));
                break;
            case Silu:
                CompileElementwise(node, Elementwise.Silu);
                break;
            case Sigmoid:
                CompileElementwise(node, Elementwise.Sigmoid);
                break;
            case Gelu:
                CompileElementwise(node, Elementwise.Gelu);
                break;
            case Relu:
                CompileElementwise(node, Elementwise.Relu);
                break;
            case MeanTokens:
                Emit(node, y => new MeanTokensStep(node.Name, Value(node, 0), y));
                break;
            default:
                CompileReference(node);
                break;
        }
    }

    private void CompilePatches(Node node, Conv2d convolution, Node flatten)
    {
        ArenaMatrix image = Value(node, 0);
        int tokens = flatten.Shape[0], patch = convolution.InChannels * convolution.Kernel * convolution.Kernel;
        var patches = new ArenaMatrix(NewBlock((long)tokens * patch * sizeof(float)), 0, tokens, patch, patch);
        ReadOnlySpan<float> bias = convolution.HasBias ? Parameter(node, 1).Span : default;
        var weights = new PackedFloatWeights(Parameter(node, 0).Span, bias, convolution.OutChannels, patch);
        _values[node] = image; // Nobody sees the map itself.
        Emit(flatten, y => new PatchEmbeddingStep(
            flatten.Name, image, node.Inputs[0].Shape[1], node.Inputs[0].Shape[2], patches, y, convolution, weights));
        patches.Block.Touch(_steps.Count - 1);
    }

    private void CompileConvolution(Node node, Node silu)
    {
        ArenaMatrix x = Value(node, 0);
        _values[node] = x; // Nobody sees the sums before the SiLU.
        Emit(silu, x.IsReversed, y => new CausalConvStep(silu.Name, x, y, Parameter(node, 0), Parameter(node, 1)));
    }

    private void CompileDepthwise(Node node, DepthwiseConv2d layer)
    {
        ArenaMatrix x = Value(node, 0);
        Node output = OnlyConsumer(node) is { Operator: Silu } silu ? silu : node;
        int tokens = node.Shape[0];
        Node[] arranged = [.. _consumers[output].Where(user => user.Operator is ArrangeTokens order && order.Sources.Count(source => source >= 0) == tokens)];
        ArrangedCopy[] copies = [.. arranged.Select(user => ArrangedCopy.Of((ArrangeTokens)user.Operator, tokens, Allocate(user)))];
        var weights = new NativeBuffer<float>(Parameter(node, 0).Length);
        CausalConv.PackWeights(Parameter(node, 0).Span, weights.Span, layer.Channels, layer.Kernel * layer.Kernel);
        Tensor? bias = layer.HasBias ? Parameter(node, 1) : null;
        _values[node] = x; // Nobody sees the sums before the SiLU.
        Emit(output, y => new DepthwiseConvStep(output.Name, layer, output == node, x, y, copies, weights, bias));
        x.Block.Touch(_steps.Count - 1);
        foreach ((Node user, ArrangedCopy copy) in arranged.Zip(copies))
        {
            copy.Target.Block.Touch(_steps.Count - 1);
            _values[user] = copy.Target;
        }
    }

    private void CompileGridConvolution(Node node, GridConv2d layer)
    {
        ArenaMatrix x = Value(node, 0);
        int places = node.Shape[0], patch = GridPatches.Length(layer);
        var patches = new ArenaMatrix(NewBlock((long)places * patch * sizeof(float)), 0, places, patch, patch);
        float[] matrix = new float[Parameter(node, 0).Length];
        GridPatches.PackWeights(layer, Parameter(node, 0).Span, matrix);
        var weights = new PackedFloatWeights(matrix, Parameter(node, 1).Span, layer.OutChannels, patch);
        Emit(node, y => new GridConvStep(node.Name, layer, x, patches, y, weights));
        patches.Block.Touch(_steps.Count - 1);
    }

    /// <summary>Another order of tokens is a view with an index map, if all who read it take one; else a copy.</summary>
    private void CompileArrangement(Node node, ArrangeTokens arrangement)
    {
        int[] sources = [.. arrangement.Sources];
        bool hasZeros = sources.Contains(ArrangeTokens.Zeros);
        if (node != _graph.Output && _consumers[node].All(user => ReadsThroughMap(user, node, hasZeros)))
            _values[node] = Value(node, 0) with { Rows = sources.Length, RowMap = sources };
        else
            EmitOrder(node, sources);
    }

    /// <summary>Whether the step of a node reads a value through an index map, and, where the map has some, takes rows of zeros.</summary>
    private bool ReadsThroughMap(Node user, Node value, bool hasZeros) => user.Operator switch
    {
        CausalConv1d => OnlyConsumer(user) is { Operator: Silu },
        ReverseTokens => user != _graph.Output
            && _consumers[user].All(next => next.Operator is CausalConv1d && ReadsThroughMap(next, user, hasZeros)),
        _ when hasZeros => false,
        MeanOfNorms => true,
        GatedSum => user.Inputs[0] != value,
        Multiply => user.Inputs[0] == value && user.Inputs[1] != value
            && !(user.Inputs[1].Operator is Silu && OnlyConsumer(user.Inputs[1]) == user), // that is a gate
        Add => user.Inputs[1] == value && OnlyConsumer(value) == user
            && _values.TryGetValue(user.Inputs[0], out ArenaMatrix other) && !other.IsReversed && other.RowMap is null,
        _ => false,
    };

    private void CompileProduct(Node node)
    {
        ArenaMatrix left = Value(node, 0), right = Value(node, 1);
        bool staysMapped = node != _graph.Output && _consumers[node].All(user => ReadsThroughMap(user, node, hasZeros: false));
        if (IsLastUse(node, 0) && left.Block != right.Block && (left.RowMap is null || staysMapped))
            EmitInPlace(node, 0, y => new ProductStep(node.Name, left, right, y));
        else
            Emit(node, left.IsReversed, y => new ProductStep(node.Name, left, right, y));
    }

    private void EmitOrder(Node node, int[] sources) => Emit(node, y => new TokenOrderStep(node.Name, Value(node, 0), y, sources));

    private void CompileNorm(Node node, ArenaMatrix x, ArenaMatrix? residual)
    {
        Tensor? bias = node.Operator is LayerNorm ? Parameter(node, 1) : null;
        float epsilon = node.Operator is RmsNorm rms ? rms.Epsilon : ((LayerNorm)node.Operator).Epsilon;
        Emit(node, x.IsReversed, y => new NormStep(node.Name, x, residual, y, Parameter(node, 0), bias, epsilon));
        x.Block.Touch(_steps.Count - 1);
        residual?.Block.Touch(_steps.Count - 1);
    }

    private void CompileGroupNorm(Node node, GroupNorm norm)
    {
        ArenaMatrix x = Value(node, 0), statistics = new(NewBlock(2L * norm.Channels * sizeof(float)), 0, 2, norm.Channels, norm.Channels);
        EmitInPlaceIfLast(node, y => new GroupNormStep(node.Name, norm, x, y, statistics, Parameter(node, 0), Parameter(node, 1)));
        statistics.Block.Touch(_steps.Count - 1);
    }

    private void CompileLinear(Node node, Linear linear)
    {
        ArenaMatrix x = Value(node, 0);
        ReadOnlySpan<float> bias = linear.HasBias ? Parameter(node, 1).Span : default;
        QuantizedLinear? quantized = _linears.GetValueOrDefault(node.Name);
        if (quantized is { IsInteger: true })
        {
            var packed = new PackedIntegerWeights(
                quantized.Levels, quantized.Weight!.Scales, bias, linear.OutFeatures, linear.InFeatures, quantized.Weight!.Bits);
            ArenaBlock levels = NewBlock((long)x.Rows * IntegerLinearStep.LevelStride(x.Columns));
            var grids = new TokenGridBuffers(quantized.Input!, x.IsReversed);
            NativeBuffer<float>? factors = quantized.InputFactors is { } values ? NativeBuffer<float>.Of(values) : null;
            Emit(node, x.IsReversed, y => new IntegerLinearStep(
                node.Name, x, y, levels, packed, grids, factors, quantized.Input!.MaxLevel));
            levels.Touch(_steps.Count - 1);
        }
        else
        {
            Tensor weight = quantized?.Weight is null ? Parameter(node, 0) : quantized.DequantizeWeight(linear);
            var packed = new PackedFloatWeights(weight.Span, bias, linear.OutFeatures, linear.InFeatures);
            if (quantized?.Input is { } input)
                x = Simulate(node, x, input);
            Emit(node, x.IsReversed, y => new LinearStep(node.Name, x, y, packed));
            x.Block.Touch(_steps.Count - 1);
        }
    }

    /// <summary>The input of a layer whose weights stayed float32: only rounded to its levels' values.</summary>
    private ArenaMatrix Simulate(Node node, ArenaMatrix x, UniformQuantizer quantizer)
    {
        var rounded = new ArenaMatrix(NewBlock((long)x.Rows * x.Columns * sizeof(float)), 0, x.Rows, x.Columns, x.Columns, x.IsReversed);
        Touch(new RoundStep($"{node.Name}.input", x, rounded, quantizer), x, rounded);
        return rounded;
    }

    private bool CanScan(Node scan) =>
        scan.Inputs[1].Operator is Softplus && OnlyConsumer(scan.Inputs[1]) == scan
        && scan.Inputs.All(input => _values[input].IsReversed == _values[scan.Inputs[0]].IsReversed)
        && ((SelectiveScan)scan.Operator).States <= Kernels.SelectiveScan.MaxStates;

    private void CompileScan(Node node)
    {
        ArenaMatrix u = Value(node, 0);
        // The other direction, if it is done already, and the sum that both go into.
        Node? sum = u.IsReversed && OnlyConsumer(node) is { Operator: ReverseTokens } reversed ? OnlyConsumer(reversed) : null;
        Node? other = sum is { Operator: Add } ? sum.Inputs.FirstOrDefault(IsFinishedScan) : null;
        bool accumulate = other is not null && OnlyConsumer(other) == sum;
        ArenaMatrix y = accumulate ? _values[other!] with { IsReversed = true } : Allocate(node) with { IsReversed = u.IsReversed };
        var operands = new ScanOperands(u, Value(node, 1), Value(node, 2), Value(node, 3), y);
        Step step = _scans.TryGetValue(node.Name, out QuantizedScan? scan)
            ? new IntegerScanStep(node.Name, operands, accumulate, new PackedScan(scan, Parameter(node, 1), u.Rows))
            : new ScanStep(node.Name, operands, accumulate, cubicDecay: _linears.Count > 0, Parameter(node, 0), Parameter(node, 1));
        Touch(step, u, operands.Delta, operands.B, operands.C, y);
        _values[node] = y;
        if (accumulate)
            _values[sum!] = _values[other!];

        bool IsFinishedScan(Node candidate) =>
            candidate.Operator is SelectiveScan && _values.TryGetValue(candidate, out ArenaMatrix value) && !value.IsReversed;
    }

    private void CompileAdd(Node node)
    {
        ArenaMatrix left = Value(node, 0), right = Value(node, 1);
        if (left.IsReversed != right.IsReversed)
        {
            CompileReference(node);
            return;
        }
        Node? norm = _consumers[node].FirstOrDefault(consumer => consumer.Operator is RmsNorm or LayerNorm);
        if (norm is not null && norm.Index == node.Index + 1 && IsLastUse(node, 0) && left.Block != right.Block)
        {
            _values[node] = left;
            CompileNorm(norm, right, residual: left);
        }
        else
        {
            Emit(node, left.IsReversed, y => new AddStep(node.Name, left, right, y));
        }
    }

    /// <summary>The parts of <c>multiply(scale(values), silu(z))</c>, if that is what a node computes and it may do so in place.</summary>
    private (Node Values, Node? Scale, Node Silu)? GateOf(Node node)
    {
        if (node.Operator is not Multiply || node.Inputs[1].Operator is not Silu || OnlyConsumer(node.Inputs[1]) != node)
            return null;
        Node values = node.Inputs[0];
        Node? scale = values.Operator is Scale ? values : null;
        Node source = scale is null ? values : scale.Inputs[0];
        // A view has no memory of its own: others may read it after the gate.
        bool isView = source.Operator is Input or SliceChannels or ReverseTokens or SelectToken or ArrangeTokens;
        bool inPlace = !isView && OnlyConsumer(values) == node && (scale is null || OnlyConsumer(source) == scale);
        bool sameOrder = inPlace && _values.TryGetValue(source, out ArenaMatrix left)
            && _values.TryGetValue(node.Inputs[1].Inputs[0], out ArenaMatrix right) && left.IsReversed == right.IsReversed;
        return sameOrder ? (values, scale, node.Inputs[1]) : null;
    }

    private void CompileElementwise(Node node, KernelTable<ElementwiseKernel> forms)
    {
        ArenaMatrix x = Value(node, 0);
        EmitInPlaceIfLast(node, y => new ElementwiseStep(node.Name, node.Operator.Kind, x, y, forms));
    }

    private void CompileReference(Node node)
    {
        if (_scans.ContainsKey(node.Name))
            throw new NotSupportedException($"The scan '{node.Name}' is quantized, and has no softplus of its own before Δ, or inputs in different orders.");
        ArenaMatrix[] inputs = [.. node.Inputs.Select(input => _values[input])];
        Tensor[] parameters = [.. node.ParameterNames.Select(name => _weights[name])];
        Emit(node, y => new ReferenceStep(node, inputs, y, parameters));
    }

    private void Emit(Node node, Func<ArenaMatrix, Step> create) => Emit(node, isReversed: false, create);

    /// <summary>Adds a step that computes a node from its inputs into a new place.</summary>
    private void Emit(Node node, bool isReversed, Func<ArenaMatrix, Step> create)
    {
        ArenaMatrix y = Allocate(node) with { IsReversed = isReversed };
        Touch(create(y), [y, .. node.Inputs.Select(input => _values[input])]);
        _values[node] = y;
    }

    /// <summary>Adds a step that computes a node in the place of its input, or in a new one where the input is still needed.</summary>
    private void EmitInPlaceIfLast(Node node, Func<ArenaMatrix, Step> create)
    {
        if (IsLastUse(node, 0))
            EmitInPlace(node, 0, create);
        else
            Emit(node, Value(node, 0).IsReversed, create);
    }

    private void EmitInPlace(Node node, int input, Func<ArenaMatrix, Step> create) =>
        EmitInPlace(node, Value(node, input), create);

    /// <summary>Adds a step that computes a node in the place of one of its inputs.</summary>
    private void EmitInPlace(Node node, ArenaMatrix place, Func<ArenaMatrix, Step> create)
    {
        Touch(create(place), [place, .. node.Inputs.Select(input => _values[input])]);
        _values[node] = place;
    }

    private void Touch(Step step, params ReadOnlySpan<ArenaMatrix> operands)
    {
        foreach (ArenaMatrix operand in operands)
            operand.Block.Touch(_steps.Count);
        _steps.Add(step);
    }

    private ArenaMatrix Allocate(Node node)
    {
        int columns = node.Shape.Rank == 0 ? 1 : node.Shape[^1];
        int rows = columns == 0 ? 0 : checked((int)(node.Shape.ElementCount / columns));
        return new ArenaMatrix(NewBlock(node.Shape.ElementCount * sizeof(float)), 0, rows, columns, columns);
    }

    private ArenaBlock NewBlock(long bytes)
    {
        var block = new ArenaBlock(bytes);
        _blocks.Add(block);
        return block;
    }

    private ArenaMatrix Value(Node node, int input) => _values[node.Inputs[input]];

    private Tensor Parameter(Node node, int index) => _weights[node.ParameterNames[index]];

    private Node? OnlyConsumer(Node node)
    {
        Node[] consumers = [.. _consumers[node]];
        return consumers.Length == 1 && node != _graph.Output ? consumers[0] : null;
    }

    /// <summary>Whether no later node reads what a node's input holds, so that it may be overwritten.</summary>
    private bool IsLastUse(Node node, int input)
    {
        ArenaMatrix value = Value(node, input);
        return _graph.Output != node.Inputs[input] && !_graph.Nodes
            .Where(other => other.Index > node.Index)
            .SelectMany(other => other.Inputs)
            .Any(read => _values.TryGetValue(read, out ArenaMatrix place) && place.Block == value.Block);
    }
}
