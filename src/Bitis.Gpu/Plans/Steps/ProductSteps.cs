using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of linear layers.</summary>
internal static class ProductSteps
{
    /// <summary>Adds a linear layer, with the GELU behind it if nothing else reads the layer.</summary>
    public static void AddLinear(GpuPlanBuilder plan, Node node)
    {
        var layer = (Linear)node.Operator;
        FloatTensor? bias = layer.HasBias ? plan.Parameter(node, 1) : null;
        QuantizedLayer? quantized = plan.LayerOf(node);
        GpuLevels? levels = quantized is null ? null : plan.LevelsOf(node.Inputs[0]);
        if (levels is not null && plan.MixerOf(node) is { } mixer && MixerSteps.InputQuantizer(plan, mixer) is { } x8)
        {
            AddSplit(plan, mixer, quantized!, levels, x8, bias);
            return;
        }
        GpuMatrix? x = levels is null ? plan.Value(node.Inputs[0]) : null;
        bool isReversed = x is { IsReversed: true };
        bool hasGelu = plan.Graph.OnlyReaderOf(node) is SingleOperator { Node.Operator: Gelu };
        Node output = hasGelu ? plan.Graph.OnlyReaderOf(node)!.Main : node;
        if (isReversed && plan.OnlyReadingLayer(output) is not null)
            (x, isReversed) = (ElementSteps.InOrder(plan, x!), false);
        if (quantized is not null && levels is null)
            levels = ElementSteps.Quantize(plan, x!, quantized, RowTokens.Of(isReversed));
        GpuTarget y = plan.NewTarget(output, plan.Images, isReversed);
        LinearActivation activation = hasGelu ? LinearActivation.Gelu : LinearActivation.None;
        if (quantized is not null)
            AddProduct(plan, [quantized], levels!, RowTokens.Of(isReversed), y, bias, activation);
        else
            AddProduct(plan, x!, y, [node], plan.Parameter(node, 0).Span, bias, activation);
    }

    /// <summary>Adds the projection of a Vim block to levels of x and floats of z.</summary>
    private static void AddSplit(
        GpuPlanBuilder plan, VimMixer mixer, QuantizedLayer layer, GpuLevels x, float[] quantizer, FloatTensor? bias)
    {
        int channels = mixer.Gate.Product.Shape[^1];
        GpuLevels levels = plan.LevelScratch(x.Rows, channels);
        GpuMatrix z = plan.Activations(x.Rows, channels);
        plan.SetSplit(mixer, levels, z);
        AddProduct(
            plan, [layer], x, RowTokens.Natural, new GpuTarget(null, levels, null, null), bias,
            split: (new LinearSplit(channels, z.Stride, z.IsHalves), z.Argument, plan.Constant<float>(quantizer)));
    }

    /// <summary>Adds a product with weights, <c>[outputs, inputs]</c>.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="x">The input.</param>
    /// <param name="y">The output.</param>
    /// <param name="nodes">The layers, for messages.</param>
    /// <param name="weights">Their weights.</param>
    /// <param name="bias">The bias; null for none.</param>
    /// <param name="activation">What is computed of each output.</param>
    public static void AddProduct(
        GpuPlanBuilder plan, GpuMatrix x, GpuTarget y, IReadOnlyList<Node> nodes, ReadOnlySpan<float> weights,
        FloatTensor? bias, LinearActivation activation = LinearActivation.None)
    {
        x = ElementSteps.Aligned(plan, x);
        int outputs = weights.Length / x.Columns;
        LinearShape shape = ShapeOf(
            x.Columns, outputs, x.IsHalves ? LinearNumbers.Halves : LinearNumbers.Floats, y, bias, activation) with
        {
            InputStride = x.Stride * x.ElementBytes,
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, x.Rows);
        GpuBuffer packed = Upload(plan, nodes, Padded(weights, shape), x.IsHalves);
        GpuBuffer? shift = bias is null ? null : plan.Constant<float>(bias.Span);
        plan.Add(images => new LinearOperands
        {
            Input = x.Argument,
            Weights = packed,
            Output = y.Argument,
            Rows = images * x.Rows,
            Bias = shift,
            OutputLevels = y.Operands,
        }.Launch(function, row, shape));
    }

    /// <summary>Adds a product of levels with the weights of layers, whose outputs lie side by side.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layers">The layers, whose inputs have the same levels.</param>
    /// <param name="x">The levels of the input.</param>
    /// <param name="tokens">Which token each row of memory has.</param>
    /// <param name="y">The output.</param>
    /// <param name="bias">The bias; null for none.</param>
    /// <param name="activation">What is computed of each output.</param>
    /// <param name="outputsOfLayer">The columns of each layer, with padding; 0 for those it has.</param>
    /// <param name="split">Of outputs in two places: the second one, and the levels' parameters.</param>
    public static void AddProduct(
        GpuPlanBuilder plan, IReadOnlyList<QuantizedLayer> layers, GpuLevels x, RowTokens tokens, GpuTarget y,
        FloatTensor? bias, LinearActivation activation = LinearActivation.None, int outputsOfLayer = 0,
        (LinearSplit Shape, GpuArgument Second, GpuBuffer Quantizers)? split = null)
    {
        int own = layers[0].Weight!.Scales.Length, padding = outputsOfLayer == 0 ? 0 : outputsOfLayer - own;
        int outputs = layers.Count * (own + padding);
        LinearShape shape = ShapeOf(x.Columns, outputs, LinearNumbers.Levels, y, bias, activation) with
        {
            InputStride = x.Stride,
            Split = split?.Shape,
            HasNibbles = HaveNibbles(layers, x.Columns),
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, x.Rows);
        PackedLayers packed = Upload(plan, layers, shape, padding);
        TokenScales input = TokenScales.Of(plan, x.Rows, plan.Images, (layers[0], tokens));
        GpuBuffer? shift = bias is null ? null : plan.Constant<float>(bias.Span);
        plan.Add(images => new LinearOperands
        {
            Input = x.Argument,
            Weights = packed.Weights,
            Output = y.Argument,
            Rows = images * x.Rows,
            Bias = shift,
            InputScales = input.Scales,
            InputZeroPoints = input.ZeroPoints,
            WeightScales = packed.Scales,
            ColumnSums = packed.ColumnSums,
            OutputLevels = y.Operands,
            Rest = split?.Second,
            ColumnQuantizers = split?.Quantizers,
        }.Launch(function, row, shape));
    }

    /// <summary>Adds products of layers of the same form in one launch, each of an input of its own.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layers">The layers; null for float weights.</param>
    /// <param name="nodes">The layers' nodes.</param>
    /// <param name="x">The inputs of all layers and images, one behind the other, if they are floats.</param>
    /// <param name="levels">The same, if they are levels.</param>
    /// <param name="tokens">Which token each row of a layer's input has.</param>
    /// <param name="y">The outputs, one behind the other; its columns are those of a layer.</param>
    public static void AddStack(
        GpuPlanBuilder plan, QuantizedLayer[]? layers, Node[] nodes, GpuMatrix? x, GpuLevels? levels,
        RowTokens[] tokens, GpuMatrix y)
    {
        int groups = tokens.Length, rows = y.Rows / groups, between = plan.Images * rows;
        int inputs = levels?.Columns ?? x!.Columns;
        int stride = levels?.Stride ?? (x!.Stride * x.ElementBytes);
        if (stride % LinearShape.ChunkBytes != 0)
        {
            // Rows of floats without padding are copied, layer by layer.
            for (int i = 0; i < groups; i++)
            {
                GpuMatrix target = y with { Start = i * between * y.Stride, Rows = rows };
                AddProduct(
                    plan, x! with { Start = i * between * x.Stride, Rows = rows }, GpuTarget.Of(target),
                    [nodes[i]], plan.Parameter(nodes[i], 0).Span, bias: null);
            }
            return;
        }
        LinearShape shape = ShapeOfStack(layers, inputs, x is { IsHalves: true }, y, groups) with
        {
            InputStride = stride,
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, rows);
        PackedLayers packed = UploadStack(plan, layers, nodes, shape);
        TokenScales? scales =
            layers is null ? null : TokenScales.OfStack(plan, rows, plan.Images, [.. layers.Zip(tokens)]);
        plan.Add(images => new LinearOperands
        {
            Input = levels?.Argument ?? x!.Argument,
            Weights = packed.Weights,
            Output = y.Argument,
            Rows = images * rows,
            InputScales = scales?.Scales,
            InputZeroPoints = scales?.ZeroPoints,
            WeightScales = packed.Scales,
            ColumnSums = packed.ColumnSums,
            Offsets = new LinearGroupOffsets(between * stride, between * y.Stride, between),
        }.Launch(function, row, shape));
    }

    /// <summary>What a launch of products of the same form depends on.</summary>
    /// <param name="layers">The layers; null for float weights.</param>
    /// <param name="inputs">The columns of an input.</param>
    /// <param name="areHalves">Whether floats are float16.</param>
    /// <param name="y">The outputs; its columns are those of a layer.</param>
    /// <param name="groups">How many layers there are.</param>
    public static LinearShape ShapeOfStack(
        QuantizedLayer[]? layers, int inputs, bool areHalves, GpuMatrix y, int groups)
    {
        LinearNumbers numbers = layers is not null ? LinearNumbers.Levels
            : areHalves ? LinearNumbers.Halves
            : LinearNumbers.Floats;
        return new LinearShape(inputs, y.Columns, numbers, LinearOutput.Floats, HasBias: false)
        {
            OutputStride = y.Stride,
            Groups = groups,
            HasNibbles = layers is not null && HaveNibbles(layers, inputs),
        };
    }

    /// <summary>Uploads the weights of products that are launched together.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layers">The layers; null for float weights.</param>
    /// <param name="nodes">The layers' nodes.</param>
    /// <param name="shape">Their form.</param>
    public static PackedLayers UploadStack(
        GpuPlanBuilder plan, QuantizedLayer[]? layers, Node[] nodes, LinearShape shape) => layers is not null
        ? Upload(plan, layers, shape)
        : new PackedLayers(
            Upload(
                plan, nodes, [.. nodes.SelectMany(node => Padded(plan.Parameter(node, 0).Span, shape))],
                shape.Numbers == LinearNumbers.Halves),
            ColumnSums: null, Scales: null);

    /// <summary>Whether weights have 4 bits, of all layers.</summary>
    private static bool HaveNibbles(IReadOnlyList<QuantizedLayer> layers, int inputs) =>
        inputs <= PackedNibbles.MaxInputs && layers.All(layer => layer.Weight!.Bits <= 4);

    /// <summary>Float weights, <c>[outputs, inputs]</c>, in rows with padding.</summary>
    private static float[] Padded(ReadOnlySpan<float> weights, LinearShape shape)
    {
        int outputs = weights.Length / shape.Inputs, stride = shape.WeightStride / (shape.InputBytes / shape.Inputs);
        var padded = new float[outputs * stride];
        for (int i = 0; i < outputs; i++)
            weights.Slice(i * shape.Inputs, shape.Inputs).CopyTo(padded.AsSpan(i * stride));
        return padded;
    }

    /// <exception cref="BitisException">A weight is beyond the range of float16.</exception>
    private static GpuBuffer Upload(
        GpuPlanBuilder plan, IReadOnlyList<Node> nodes, float[] weights, bool asHalves)
    {
        if (!asHalves)
            return plan.Constant<float>(weights);
        Half[] halves = Array.ConvertAll(weights, weight => (Half)weight);
        if (halves.All(Half.IsFinite))
            return plan.Constant<Half>(halves);
        Node wide = nodes.First(
            node => !Half.IsFinite((Half)TensorPrimitives.MaxMagnitude<float>(plan.Parameter(node, 0).Span)));
        throw new BitisException(
            $"'{wide.ParameterNames[0]}' has weights beyond the range of float16, which ends at 65504. Choose float32 "
            + "(--precision float32, FloatPrecision.Float32).");
    }

    /// <summary>Uploads the weights of layers in a row, each with some outputs of zeros after it.</summary>
    private static PackedLayers Upload(
        GpuPlanBuilder plan, IReadOnlyList<QuantizedLayer> layers, LinearShape shape, int padding = 0)
    {
        List<byte> weights = [];
        List<int> columnSums = [];
        List<float> scales = [];
        foreach (QuantizedLayer layer in layers)
        {
            int outputs = layer.Weight!.Scales.Length;
            int stride = shape.HasNibbles ? shape.Inputs : shape.WeightStride;
            (sbyte[] rows, int[] sums) = Pack(layer, outputs, shape.Inputs, stride);
            weights.AddRange(
                shape.HasNibbles
                    ? PackedNibbles.Pack(layer.Levels, outputs, shape.Inputs)
                    : MemoryMarshal.Cast<sbyte, byte>(rows));
            weights.AddRange(new byte[padding * shape.WeightStride]);
            columnSums.AddRange(sums);
            columnSums.AddRange(new int[padding]);
            scales.AddRange(layer.Weight.Scales);
            scales.AddRange(new float[padding]);
        }
        return new PackedLayers(
            plan.Constant<byte>([.. weights]),
            plan.Constant<int>([.. columnSums]),
            plan.Constant<float>([.. scales]));
    }

    /// <summary>The levels of weights in padded rows, and the sum of each row.</summary>
    public static (sbyte[] Rows, int[] Sums) Pack(QuantizedLayer layer, int outputs, int inputs, int stride)
    {
        var rows = new sbyte[outputs * stride];
        var sums = new int[outputs];
        for (int i = 0; i < outputs * inputs; i++)
        {
            rows[(i / inputs * stride) + (i % inputs)] = layer.Levels![i];
            sums[i / inputs] += layer.Levels[i];
        }
        return (rows, sums);
    }

    private static LinearShape ShapeOf(
        int inputs, int outputs, LinearNumbers numbers, GpuTarget y, FloatTensor? bias, LinearActivation activation) =>
        new(
            inputs, outputs, numbers,
            y.Levels is not null ? LinearOutput.Levels : y.IsHalves ? LinearOutput.Halves : LinearOutput.Floats,
            HasBias: bias is not null)
        {
            Activation = activation,
            Levels = y.Shape,
            OutputStride = y.Stride,
        };

    /// <summary>Weights on the device.</summary>
    /// <param name="Weights">The rows, with padding.</param>
    /// <param name="ColumnSums">The sum of each row's levels; null for floats.</param>
    /// <param name="Scales">The scale of each row; null for floats.</param>
    internal sealed record PackedLayers(GpuBuffer Weights, GpuBuffer? ColumnSums, GpuBuffer? Scales);
}
