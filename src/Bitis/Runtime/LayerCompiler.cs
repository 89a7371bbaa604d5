using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Runtime.Steps;
using Bitis.Tensors;

namespace Bitis.Runtime;

/// <summary>
/// Compiles layers with weights, linear and convolutional: in float32, in integers where both sides have levels, or in float32 with the
/// values of the levels that one side has.
/// </summary>
internal abstract class LayerCompiler : PlanBuilder
{
    private readonly IReadOnlyDictionary<string, QuantizedLayer> _layers;
    private readonly List<(Node Source, UniformQuantizer Quantizer, ArenaMatrix Levels)> _centered = [];

    /// <summary>Starts without steps.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters, by name.</param>
    /// <param name="layers">Its quantized layers, by node; empty for a float model.</param>
    protected LayerCompiler(Graph graph, IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, QuantizedLayer> layers)
        : base(graph, weights) => _layers = layers;

    /// <summary>Whether any layer is quantized.</summary>
    protected bool HasQuantizedLayers => _layers.Count > 0;

    /// <summary>Whether a node is a quantized layer.</summary>
    protected bool IsQuantized(Node node) => _layers.ContainsKey(node.Name);

    /// <summary>A linear layer, in float32 or in integers.</summary>
    protected void CompileLinear(Node node, Linear linear)
    {
        ArenaMatrix x = Value(node, 0);
        ReadOnlySpan<float> bias = linear.HasBias ? Parameter(node, 1).Span : default;
        QuantizedLayer? quantized = _layers.GetValueOrDefault(node.Name);
        if (quantized is { IsInteger: true })
        {
            if (quantized.RotationOrder > 1)
                x = InCopy(x, (source, copy) => new RotateStep($"{node.Name}.input", source, copy, quantized.RotationOrder));
            var packed = new PackedIntegerWeights(
                quantized.Levels, quantized.Weight!.Scales, bias, linear.OutFeatures, linear.InFeatures, quantized.Weight!.Bits);
            ArenaBlock levels = NewBlock((long)x.Rows * IntegerLinearStep.LevelStride(x.Columns));
            var grids = new TokenGridBuffers(quantized.Input!, x.IsReversed);
            NativeBuffer<float>? factors = quantized.InputFactors is { } values ? NativeBuffer<float>.Of(values) : null;
            Step? writer = TakeWriter(x);
            Emit(node, x.IsReversed, y => new IntegerLinearStep(
                node.Name, writer, x, y, levels, packed, grids, factors, quantized.Input!.MaxLevel));
            TouchByLast(x.Block);
            TouchByLast(levels);
        }
        else
        {
            (x, Tensor weight) = FloatOperands(node);
            var packed = new PackedFloatWeights(weight.Span, bias, linear.OutFeatures, linear.InFeatures);
            Emit(node, x.IsReversed, y => new LinearStep(node.Name, x, y, packed));
            TouchByLast(x.Block);
        }
    }

    /// <summary>A convolution and the change of layout after it.</summary>
    protected void CompilePatches(Node node, Conv2d convolution, Node flatten)
    {
        ArenaMatrix image = Value(node, 0);
        int tokens = flatten.Shape[0], patch = convolution.InChannels * convolution.Kernel * convolution.Kernel;
        int height = node.Inputs[0].Shape[1], width = node.Inputs[0].Shape[2];
        ReadOnlySpan<float> bias = convolution.HasBias ? Parameter(node, 1).Span : default;
        Values[node] = image; // Nobody sees the map itself.
        if (_layers.GetValueOrDefault(node.Name) is { IsInteger: true } layer)
        {
            var packed = new PackedIntegerWeights(
                layer.Levels, layer.Weight!.Scales, bias, convolution.OutChannels, patch, layer.Weight.Bits);
            var grids = new TokenGridBuffers(layer.Input!, isReversed: false);
            ArenaBlock levels = QuantizeInput(node, image, layer.Input!), patches = NewBlock((long)tokens * IntegerLinearStep.LevelStride(patch));
            Emit(flatten, y => new IntegerPatchEmbeddingStep(
                flatten.Name, levels, height, width, patches, y, convolution, packed, layer.Input!, grids));
            TouchByLast(levels);
            TouchByLast(patches);
        }
        else
        {
            (ArenaMatrix x, Tensor weight) = FloatOperands(node);
            var packed = new PackedFloatWeights(weight.Span, bias, convolution.OutChannels, patch);
            var patches = new ArenaMatrix(NewBlock((long)tokens * patch * sizeof(float)), 0, tokens, patch, patch);
            Emit(flatten, y => new PatchEmbeddingStep(flatten.Name, x, height, width, patches, y, convolution, packed));
            TouchByLast(x.Block);
            TouchByLast(patches.Block);
        }
    }

    /// <summary>A causal convolution and the SiLU after it.</summary>
    protected void CompileConvolution(Node node, Node silu)
    {
        (ArenaMatrix x, Tensor weight, Tensor? scales) = ChannelwiseOperands(node);
        Values[node] = x; // Nobody sees the sums before the SiLU.
        Emit(silu, x.IsReversed, y => new CausalConvStep(silu.Name, x, y, weight, Parameter(node, 1), scales));
    }

    /// <summary>A convolution of each channel by itself over a grid, the SiLU after it, if there is one, and copies in the orders that scans want.</summary>
    protected void CompileDepthwise(Node node, DepthwiseConv2d layer)
    {
        (ArenaMatrix x, Tensor weight, Tensor? scales) = ChannelwiseOperands(node);
        Node output = OnlyConsumer(node) is { Operator: Silu } silu ? silu : node;
        int tokens = node.Shape[0];
        Node[] arranged = [.. Consumers[output].Where(user => user.Operator is ArrangeTokens order && order.Sources.Count(source => source >= 0) == tokens)];
        ArrangedCopy[] copies = [.. arranged.Select(user => ArrangedCopy.Of((ArrangeTokens)user.Operator, tokens, Allocate(user)))];
        var weights = new NativeBuffer<float>(weight.Length);
        CausalConv.PackWeights(weight.Span, weights.Span, layer.Channels, layer.Kernel * layer.Kernel);
        Tensor? bias = layer.HasBias ? Parameter(node, 1) : null;
        Values[node] = x; // Nobody sees the sums before the SiLU.
        Emit(output, y => new DepthwiseConvStep(output.Name, layer, output == node, x, y, copies, weights, scales, bias));
        TouchByLast(x.Block);
        foreach ((Node user, ArrangedCopy copy) in arranged.Zip(copies))
        {
            TouchByLast(copy.Target.Block);
            Values[user] = copy.Target;
        }
    }

    /// <summary>A convolution over a grid.</summary>
    protected void CompileGridConvolution(Node node, GridConv2d layer)
    {
        int places = node.Shape[0], patch = GridPatches.Length(layer);
        if (_layers.GetValueOrDefault(node.Name) is { IsInteger: true } quantized)
        {
            var matrix = new sbyte[quantized.Levels!.Length];
            GridPatches.PackWeights<sbyte>(layer, quantized.Levels, matrix);
            var packed = new PackedIntegerWeights(
                matrix, quantized.Weight!.Scales, Parameter(node, 1).Span, layer.OutChannels, patch, quantized.Weight.Bits);
            var grids = new TokenGridBuffers(quantized.Input!, isReversed: false);
            ArenaBlock levels = QuantizeInput(node, Value(node, 0), quantized.Input!), patches = NewBlock((long)places * IntegerLinearStep.LevelStride(patch));
            Emit(node, y => new IntegerGridConvStep(node.Name, layer, levels, patches, y, packed, quantized.Input!, grids));
            TouchByLast(levels);
            TouchByLast(patches);
        }
        else
        {
            (ArenaMatrix x, Tensor weight) = FloatOperands(node);
            var patches = new ArenaMatrix(NewBlock((long)places * patch * sizeof(float)), 0, places, patch, patch);
            float[] matrix = new float[weight.Length];
            GridPatches.PackWeights<float>(layer, weight.Span, matrix);
            var packed = new PackedFloatWeights(matrix, Parameter(node, 1).Span, layer.OutChannels, patch);
            Emit(node, y => new GridConvStep(node.Name, layer, x, patches, y, packed));
            TouchByLast(x.Block);
            TouchByLast(patches.Block);
        }
    }

    /// <summary>The levels of a convolution's input, a byte each.</summary>
    private ArenaBlock QuantizeInput(Node node, ArenaMatrix x, UniformQuantizer quantizer)
    {
        ArenaBlock levels = NewBlock((long)x.Rows * x.Columns);
        Touch(new QuantizeStep($"{node.Name}.input", x, levels, new TokenGridBuffers(quantizer, isReversed: false), quantizer.MaxLevel), x);
        TouchByLast(levels);
        return levels;
    }

    /// <summary>Input and weights of a layer that multiplies in float32; the values of their levels, where one side has some.</summary>
    private (ArenaMatrix X, Tensor Weight) FloatOperands(Node node)
    {
        ArenaMatrix x = Value(node, 0);
        if (!_layers.TryGetValue(node.Name, out QuantizedLayer? layer))
            return (x, Parameter(node, 0));
        if (layer.Input is { } input)
            x = InCopy(x, (source, copy) => new RoundStep($"{node.Name}.input", source, copy, input));
        return (x, layer.Weight is null ? Parameter(node, 0) : layer.DequantizeWeight(node.Operator));
    }

    /// <summary>
    /// Input and weights of a convolution of each channel by itself: values, or levels (less their zero point, as float32) and what
    /// their sums are multiplied by.
    /// </summary>
    private (ArenaMatrix X, Tensor Weight, Tensor? Scales) ChannelwiseOperands(Node node)
    {
        if (_layers.GetValueOrDefault(node.Name) is not { IsInteger: true } layer)
        {
            (ArenaMatrix values, Tensor floats) = FloatOperands(node);
            return (values, floats, null);
        }
        var weight = new Tensor(node.Operator.Parameters[0].Shape);
        for (int i = 0; i < weight.Length; i++)
            weight.Span[i] = layer.Levels![i];
        var scales = new Tensor([weight.Shape[0]]);
        for (int channel = 0; channel < scales.Length; channel++)
            scales.Span[channel] = layer.Input!.Scales[layer.Input.GroupOf(token: 0, channel)] * layer.Weight!.Scales[channel];

        // Both directions of a Vim block see the same values, mostly through the same grid.
        ArenaMatrix x = Value(node, 0);
        Node source = node.Inputs[0].Operator is ReverseTokens ? node.Inputs[0].Inputs[0] : node.Inputs[0];
        int known = _centered.FindIndex(entry => entry.Source == source && entry.Quantizer.HasSameGrid(layer.Input!));
        if (known < 0)
        {
            known = _centered.Count;
            _centered.Add((source, layer.Input!, InCopy(x, (values, copy) => new CenterLevelsStep($"{node.Name}.input", values, copy, layer.Input!))));
        }
        return (_centered[known].Levels with { IsReversed = x.IsReversed }, weight, scales);
    }

    /// <summary>Adds a step that writes a copy of a matrix as it lies in memory; the copy is seen as the matrix is.</summary>
    private ArenaMatrix InCopy(ArenaMatrix x, Func<ArenaMatrix, ArenaMatrix, Step> create)
    {
        ArenaMatrix source = x.RowMap is null ? x : InMemory(x);
        ArenaMatrix copy = source with { Block = NewBlock((long)source.Rows * x.Columns * sizeof(float)), Start = 0, Stride = x.Columns };
        Touch(create(source, copy), source, copy);
        return copy with { Rows = x.Rows, RowMap = x.RowMap, IsReversed = x.IsReversed };
    }

    /// <summary>The rows that an index map finds, in the order in which they lie.</summary>
    private static ArenaMatrix InMemory(ArenaMatrix x) =>
        x with { Rows = x.RowMap is null ? x.Rows : x.RowMap.Max() + 1, RowMap = null, IsReversed = false };
}
