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
///   norm, gate, ... → quantize → linear   rows are quantized while they are in the nearest cache
///   slice, reverse, select                views: no step at all
/// </code>
/// An operator that it does not know runs through its reference forward.
/// </summary>
internal sealed class PlanCompiler : LayerCompiler
{
    private readonly IReadOnlyDictionary<string, QuantizedScan> _scans;

    private PlanCompiler(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers,
        IReadOnlyDictionary<string, QuantizedScan> scans)
        : base(graph, weights, layers) => _scans = scans;

    /// <summary>Compiles a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters, by name.</param>
    /// <param name="layers">Its quantized layers, by node; empty for a float model.</param>
    /// <param name="scans">Its quantized scans, by node; empty for a float model.</param>
    public static Plan Compile(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers,
        IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        var compiler = new PlanCompiler(graph, weights, layers, scans);
        try
        {
            return compiler.Compile();
        }
        catch
        {
            compiler.Dispose();
            throw;
        }
    }

    private Plan Compile()
    {
        foreach (Node node in Graph.Nodes)
        {
            // A fusion may have computed the node already.
            if (!Values.ContainsKey(node))
                CompileNode(node);
        }
        return Build();
    }

    private void CompileNode(Node node)
    {
        switch (node.Operator)
        {
            case Input:
                Values[node] = Allocate(node);
                Values[node].Block.Touch(0);
                break;
            case SliceChannels slice:
                Values[node] = Value(node, 0).Slice(slice.Start, slice.Length);
                break;
            case ReverseTokens:
                Values[node] = Value(node, 0).Reverse();
                break;
            case SelectToken select:
                Values[node] = Value(node, 0).Row(select.Position);
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
                Values[node] = Value(node, 0); // The scan applies it.
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
                Values[node] = Value(node, 0); // The gate applies it.
                break;
            case Multiply when GateOf(node) is { } gate:
                Node scanned = gate.Scale ?? gate.Values;
                float factor = gate.Scale is { Operator: Scale scale } ? scale.Factor : 1;
                EmitInPlace(node, Values[scanned], y => new GateStep(node.Name, y, Values[gate.Silu], factor));
                break;
            case Multiply when Value(node, 0).IsReversed == Value(node, 1).IsReversed && Value(node, 1).RowMap is null:
                CompileProduct(node);
                break;
            case MeanOfNorms means when !node.Inputs.Any(input => Values[input].IsReversed):
                Emit(node, y => new MeanOfNormsStep(
                    node.Name, [.. node.Inputs.Select(input => Values[input])], y, Parameter(node, 0), Parameter(node, 1), means.Epsilon));
                break;
            case GatedSum when !node.Inputs.Any(input => Values[input].IsReversed):
                Emit(node, y => new GatedSumStep(node.Name, Value(node, 0), [.. node.Inputs.Skip(1).Select(input => Values[input])], y));
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

    /// <summary>Another order of tokens is a view with an index map, if all who read it take one; else a copy.</summary>
    private void CompileArrangement(Node node, ArrangeTokens arrangement)
    {
        int[] sources = [.. arrangement.Sources];
        bool hasZeros = sources.Contains(ArrangeTokens.Zeros);
        if (node != Graph.Output && Consumers[node].All(user => ReadsThroughMap(user, node, hasZeros)))
            Values[node] = Value(node, 0) with { Rows = sources.Length, RowMap = sources };
        else
            EmitOrder(node, sources);
    }

    /// <summary>Whether the step of a node reads a value through an index map, and, where the map has some, takes rows of zeros.</summary>
    private bool ReadsThroughMap(Node user, Node value, bool hasZeros) => user.Operator switch
    {
        CausalConv1d => OnlyConsumer(user) is { Operator: Silu },
        ReverseTokens => user != Graph.Output
            && Consumers[user].All(next => next.Operator is CausalConv1d && ReadsThroughMap(next, user, hasZeros)),
        _ when hasZeros => false,
        MeanOfNorms => true,
        GatedSum => user.Inputs[0] != value,
        Multiply => user.Inputs[0] == value && user.Inputs[1] != value
            && !(user.Inputs[1].Operator is Silu && OnlyConsumer(user.Inputs[1]) == user), // that is a gate
        Add => user.Inputs[1] == value && OnlyConsumer(value) == user
            && Values.TryGetValue(user.Inputs[0], out ArenaMatrix other) && !other.IsReversed && other.RowMap is null,
        _ => false,
    };

    private void CompileProduct(Node node)
    {
        ArenaMatrix left = Value(node, 0), right = Value(node, 1);
        bool staysMapped = node != Graph.Output && Consumers[node].All(user => ReadsThroughMap(user, node, hasZeros: false));
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
        TouchByLast(x.Block);
        if (residual is { } sum)
            TouchByLast(sum.Block);
    }

    private void CompileGroupNorm(Node node, GroupNorm norm)
    {
        ArenaMatrix x = Value(node, 0), statistics = new(NewBlock(2L * norm.Channels * sizeof(float)), 0, 2, norm.Channels, norm.Channels);
        EmitInPlaceIfLast(node, y => new GroupNormStep(node.Name, norm, x, y, statistics, Parameter(node, 0), Parameter(node, 1)));
        TouchByLast(statistics.Block);
    }

    private bool CanScan(Node scan) =>
        scan.Inputs[1].Operator is Softplus && OnlyConsumer(scan.Inputs[1]) == scan
        && scan.Inputs.All(input => Values[input].IsReversed == Values[scan.Inputs[0]].IsReversed)
        && ((SelectiveScan)scan.Operator).States <= Kernels.SelectiveScan.MaxStates;

    private void CompileScan(Node node)
    {
        ArenaMatrix u = Value(node, 0);
        // The other direction, if it is done already, and the sum that both go into.
        Node? sum = u.IsReversed && OnlyConsumer(node) is { Operator: ReverseTokens } reversed ? OnlyConsumer(reversed) : null;
        Node? other = sum is { Operator: Add } ? sum.Inputs.FirstOrDefault(IsFinishedScan) : null;
        bool accumulate = other is not null && OnlyConsumer(other) == sum;
        ArenaMatrix y = accumulate ? Values[other!] with { IsReversed = true } : Allocate(node) with { IsReversed = u.IsReversed };
        var operands = new ScanOperands(u, Value(node, 1), Value(node, 2), Value(node, 3), y);
        Step step = _scans.TryGetValue(node.Name, out QuantizedScan? scan)
            ? new IntegerScanStep(node.Name, operands, accumulate, new PackedScan(scan, Parameter(node, 1), u.Rows))
            : new ScanStep(node.Name, operands, accumulate, cubicDecay: HasQuantizedLayers, Parameter(node, 0), Parameter(node, 1));
        Touch(step, u, operands.Delta, operands.B, operands.C, y);
        Values[node] = y;
        if (accumulate)
            Values[sum!] = Values[other!];

        bool IsFinishedScan(Node candidate) =>
            candidate.Operator is SelectiveScan && Values.TryGetValue(candidate, out ArenaMatrix value) && !value.IsReversed;
    }

    private void CompileAdd(Node node)
    {
        ArenaMatrix left = Value(node, 0), right = Value(node, 1);
        if (left.IsReversed != right.IsReversed)
        {
            CompileReference(node);
            return;
        }
        Node? norm = Consumers[node].FirstOrDefault(consumer => consumer.Operator is RmsNorm or LayerNorm);
        if (norm is not null && norm.Index == node.Index + 1 && IsLastUse(node, 0) && left.Block != right.Block)
        {
            Values[node] = left;
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
        bool sameOrder = inPlace && Values.TryGetValue(source, out ArenaMatrix left)
            && Values.TryGetValue(node.Inputs[1].Inputs[0], out ArenaMatrix right) && left.IsReversed == right.IsReversed;
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
        if (IsQuantized(node))
            throw new NotSupportedException($"The layer '{node.Name}' ({node.Operator.Kind}) is quantized, and there is no step that computes it so here.");
        ArenaMatrix[] inputs = [.. node.Inputs.Select(input => Values[input])];
        Tensor[] parameters = [.. node.ParameterNames.Select((_, index) => Parameter(node, index))];
        Emit(node, y => new ReferenceStep(node, inputs, y, parameters));
    }
}
