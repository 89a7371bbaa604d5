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
            AddProduct(plan, x!, y, plan.Parameter(node, 0).Span, bias, activation);
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
    public static void AddProduct(
        GpuPlanBuilder plan, GpuMatrix x, GpuTarget y, ReadOnlySpan<float> weights, FloatTensor? bias,
        LinearActivation activation = LinearActivation.None)
    {
        x = ElementSteps.Aligned(plan, x);
        int outputs = weights.Length / x.Columns;
        LinearShape shape = ShapeOf(
            x.Columns, outputs, x.IsHalves ? LinearNumbers.Halves : LinearNumbers.Floats, y, bias, activation) with
        {
            InputStride = x.Stride * x.ElementBytes,
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, x.Rows);
        int stride = shape.WeightStride / x.ElementBytes;
        var padded = new float[outputs * stride];
        for (int i = 0; i < outputs; i++)
            weights.Slice(i * x.Columns, x.Columns).CopyTo(padded.AsSpan(i * stride));
        GpuBuffer packed = x.IsHalves ? plan.Constant<Half>(ToHalves(padded)) : plan.Constant<float>(padded);
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
        byte[] noRows = new byte[padding * shape.WeightStride];
        GpuBuffer weights = plan.Constant<byte>(
            [.. layers.SelectMany(layer => (byte[])[.. PackedRows(layer, shape), .. noRows])]);
        GpuBuffer columnSums = plan.Constant<int>(
            [.. layers.SelectMany(layer => (int[])[.. Sums(layer, x.Columns), .. new int[padding]])]);
        GpuBuffer scales = plan.Constant<float>(
            [.. layers.SelectMany(layer => (float[])[.. layer.Weight!.Scales, .. new float[padding]])]);
        TokenScales input = TokenScales.Of(plan, x.Rows, plan.Images, (layers[0], tokens));
        GpuBuffer? shift = bias is null ? null : plan.Constant<float>(bias.Span);
        plan.Add(images => new LinearOperands
        {
            Input = x.Argument,
            Weights = weights,
            Output = y.Argument,
            Rows = images * x.Rows,
            Bias = shift,
            InputScales = input.Scales,
            InputZeroPoints = input.ZeroPoints,
            WeightScales = scales,
            ColumnSums = columnSums,
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
                    plan.Parameter(nodes[i], 0).Span, bias: null);
            }
            return;
        }
        var shape = new LinearShape(
            inputs, y.Columns, levels is not null ? LinearNumbers.Levels
                : x!.IsHalves ? LinearNumbers.Halves
                : LinearNumbers.Floats,
            LinearOutput.Floats, HasBias: false)
        {
            InputStride = stride,
            OutputStride = y.Stride,
            Groups = groups,
            HasNibbles = layers is not null && HaveNibbles(layers, inputs),
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, rows);
        GpuBuffer packed;
        TokenScales? scales = null;
        GpuBuffer? columnSums = null, weightScales = null;
        if (layers is null)
        {
            int elements = shape.WeightStride / x!.ElementBytes;
            var padded = new float[groups * y.Columns * elements];
            for (int i = 0; i < groups * y.Columns; i++)
            {
                plan.Parameter(nodes[i / y.Columns], 0).Span.Slice(i % y.Columns * inputs, inputs).CopyTo(
                    padded.AsSpan(i * elements));
            }
            packed = x.IsHalves ? plan.Constant<Half>(ToHalves(padded)) : plan.Constant<float>(padded);
        }
        else
        {
            packed = plan.Constant<byte>([.. layers.SelectMany(layer => PackedRows(layer, shape))]);
            columnSums = plan.Constant<int>([.. layers.SelectMany(layer => Sums(layer, inputs))]);
            weightScales = plan.Constant<float>([.. layers.SelectMany(layer => layer.Weight!.Scales.ToArray())]);
            scales = TokenScales.OfStack(plan, rows, plan.Images, [.. layers.Zip(tokens)]);
        }
        plan.Add(images => new LinearOperands
        {
            Input = levels?.Argument ?? x!.Argument,
            Weights = packed,
            Output = y.Argument,
            Rows = images * rows,
            InputScales = scales?.Scales,
            InputZeroPoints = scales?.ZeroPoints,
            WeightScales = weightScales,
            ColumnSums = columnSums,
            Offsets = new LinearGroupOffsets(between * stride, between * y.Stride, between),
        }.Launch(function, row, shape));
    }

    /// <summary>Whether weights have 4 bits, of all layers.</summary>
    private static bool HaveNibbles(IReadOnlyList<QuantizedLayer> layers, int inputs) =>
        inputs <= PackedNibbles.MaxInputs && layers.All(layer => layer.Weight!.Bits <= 4);

    private static byte[] PackedRows(QuantizedLayer layer, LinearShape shape)
    {
        int outputs = layer.Weight!.Scales.Length;
        return shape.HasNibbles
            ? PackedNibbles.Pack(layer.Levels, outputs, shape.Inputs)
            : [.. MemoryMarshal.Cast<sbyte, byte>(Pack(layer, outputs, shape.Inputs, shape.WeightStride).Rows)];
    }

    private static int[] Sums(QuantizedLayer layer, int inputs) =>
        Pack(layer, layer.Weight!.Scales.Length, inputs, inputs).Sums;

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

    /// <summary>Weights in float16.</summary>
    /// <exception cref="BitisException">One of them is beyond its range.</exception>
    private static Half[] ToHalves(float[] weights)
    {
        Half[] halves = Array.ConvertAll(weights, weight => (Half)weight);
        return halves.All(Half.IsFinite)
            ? halves
            : throw new BitisException("The model has weights beyond the range of float16, which ends at 65504.");
    }
}
