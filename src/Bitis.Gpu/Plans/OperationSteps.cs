using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Norms;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Tokens;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans;

/// <summary>The launches of single operations.</summary>
internal static class OperationSteps
{
    /// <summary>Adds the launches of an operation; false if it has no kernel.</summary>
    public static bool TryAdd(GpuPlanBuilder plan, FusedOperation operation)
    {
        switch (operation)
        {
            case FusedPatches patches:
                AddPatches(plan, patches);
                return true;
            case FusedSumNorm norm when plan.CanOverwrite(norm.Sum.Inputs[0], norm):
                AddNorm(plan, norm.Norm, norm.Sum);
                return true;
            case SingleOperator { Node: { Operator: RmsNorm or LayerNorm } node }:
                AddNorm(plan, node, sum: null);
                return true;
            case SingleOperator { Node: { Operator: Linear } node }:
                AddLinear(plan, node);
                return true;
            case SingleOperator { Node: { Operator: InsertToken } node }:
                return plan.Graph.OnlyReaderOf(node) is SingleOperator { Node.Operator: AddEmbedding };
            case SingleOperator { Node: { Operator: AddEmbedding } node }:
                AddEmbeddings(plan, node);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Adds a product with weights, <c>[outputs, inputs]</c>.</summary>
    public static void AddProduct(
        GpuPlanBuilder plan, GpuMatrix x, GpuMatrix y, ReadOnlySpan<float> weights, FloatTensor? bias)
    {
        var shape = new LinearShape(
            x.Columns, y.Columns, x.IsHalves ? LinearNumbers.Halves : LinearNumbers.Floats,
            y.IsHalves ? LinearOutput.Halves : LinearOutput.Floats, HasBias: bias is not null)
        {
            InputStride = x.Stride * x.ElementBytes,
            OutputStride = y.Stride,
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, x.Rows);
        int stride = shape.WeightStride / x.ElementBytes;
        var padded = new float[y.Columns * stride];
        for (int i = 0; i < y.Columns; i++)
            weights.Slice(i * x.Columns, x.Columns).CopyTo(padded.AsSpan(i * stride));
        GpuBuffer packed = x.IsHalves ? plan.Constant<Half>(ToHalves(padded)) : plan.Constant<float>(padded);
        GpuBuffer? shift = bias is null ? null : plan.Constant<float>(bias.Span);
        plan.Add(images => new LinearOperands
        {
            Input = x.Argument,
            Weights = packed,
            Output = y.Buffer,
            Rows = images * x.Rows,
            Bias = shift,
        }.Launch(function, row, shape));
    }

    /// <summary>Weights in float16.</summary>
    /// <exception cref="BitisException">One of them is beyond its range.</exception>
    private static Half[] ToHalves(float[] weights)
    {
        Half[] halves = Array.ConvertAll(weights, weight => (Half)weight);
        return halves.All(Half.IsFinite)
            ? halves
            : throw new BitisException("The model has weights beyond the range of float16, which ends at 65504.");
    }

    /// <summary>Adds a product of levels.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="x">The levels of the input.</param>
    /// <param name="isReversed">Whether memory holds the tokens in the opposite order.</param>
    /// <param name="y">The output.</param>
    /// <param name="bias">The bias; null for none.</param>
    public static void AddProduct(
        GpuPlanBuilder plan, QuantizedLayer layer, GpuLevels x, bool isReversed, GpuMatrix y, FloatTensor? bias)
    {
        var shape = new LinearShape(
            x.Columns, y.Columns, LinearNumbers.Levels, LinearOutput.Floats, HasBias: bias is not null)
        {
            InputStride = x.Stride,
            OutputStride = y.Stride,
        };
        (GpuFunction function, GpuKernelRow<LinearShape> row) = plan.Load(LinearKernels.Table, shape, x.Rows);
        (sbyte[] packed, int[] sums) = Pack(layer, y.Columns, x.Columns, shape.WeightStride);
        GpuBuffer weights = plan.Constant<sbyte>(packed), columnSums = plan.Constant<int>(sums);
        GpuBuffer scales = plan.Constant(layer.Weight!.Scales);
        TokenScales tokens = TokenScales.Of(plan, x.Rows, plan.Images, (layer.Input!, isReversed));
        GpuBuffer? shift = bias is null ? null : plan.Constant<float>(bias.Span);
        plan.Add(images => new LinearOperands
        {
            Input = x.Argument,
            Weights = weights,
            Output = y.Buffer,
            Rows = images * x.Rows,
            Bias = shift,
            InputScales = tokens.Scales,
            InputZeroPoints = tokens.ZeroPoints,
            WeightScales = scales,
            ColumnSums = columnSums,
        }.Launch(function, row, shape));
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

    private static void AddLinear(GpuPlanBuilder plan, Node node)
    {
        var layer = (Linear)node.Operator;
        FloatTensor? bias = layer.HasBias ? plan.Parameter(node, 1) : null;
        int rows = node.Shape.Rank == 1 ? 1 : node.Shape[0];
        // A product cannot overwrite what it reads, which may be a product of the same size.
        string role = layer.InFeatures == layer.OutFeatures ? node.Name : $"linear {layer.OutFeatures}";
        GpuMatrix y = node == plan.Graph.Graph.Output
            ? plan.Allocate(rows, layer.OutFeatures)
            : plan.Activations(role, rows, layer.OutFeatures);
        if (plan.LayerOf(node) is { } quantized)
            AddProduct(plan, quantized, plan.Levels(node.Inputs[0]), isReversed: false, y, bias);
        else
            AddProduct(plan, plan.Value(node.Inputs[0]), y, plan.Parameter(node, 0).Span, bias);
        plan.SetValue(node, y);
    }

    private static void AddNorm(GpuPlanBuilder plan, Node norm, Node? sum)
    {
        bool isCentered = norm.Operator is LayerNorm;
        float epsilon = norm.Operator is RmsNorm rms ? rms.Epsilon : ((LayerNorm)norm.Operator).Epsilon;
        GpuMatrix x = plan.Value(sum is null ? norm.Inputs[0] : sum.Inputs[1]);
        GpuMatrix? stream = sum is null ? null : plan.Value(sum.Inputs[0]);
        QuantizedLayer? layer = plan.OnlyReadingLayer(norm);
        var shape = new NormShape(
            x.Columns, epsilon, isCentered, UpdatesStream: sum is not null, WritesLevels: layer is not null,
            layer?.Input!.MaxLevel ?? 0)
        {
            ReadsHalves = x.IsHalves,
            WritesHalves = plan.KeepsHalves,
            InputStride = x.Stride,
        };
        if (stream is { IsHalves: true })
            throw GpuPlanBuilder.Missing(sum!);
        (GpuFunction function, GpuKernelRow<NormShape> row) = plan.Load(NormKernels.Table, shape, x.Rows);
        GpuBuffer weight = plan.Constant<float>(plan.Parameter(norm, 0).Span);
        GpuBuffer? bias = isCentered ? plan.Constant<float>(plan.Parameter(norm, 1).Span) : null;
        TokenScales? scales = null;
        GpuBuffer output;
        if (layer is null)
        {
            GpuMatrix y = plan.Activations("norm", x.Rows, x.Columns);
            plan.SetValue(norm, y);
            output = y.Buffer;
        }
        else
        {
            GpuLevels levels = plan.LevelScratch("norm", x.Rows, x.Columns);
            plan.SetLevels(norm, levels);
            scales = TokenScales.Of(plan, x.Rows, plan.Images, (layer.Input!, IsReversed: false));
            output = levels.Buffer;
        }
        plan.Add(images => new NormOperands
        {
            Input = x.Buffer,
            Output = output,
            Weight = weight,
            Rows = images * x.Rows,
            Bias = bias,
            Stream = stream?.Buffer,
            InverseScales = scales?.InverseScales,
            ZeroPoints = scales?.FloatZeroPoints,
        }.Launch(function, row, shape));
        if (sum is not null)
            plan.SetValue(sum, stream!);
    }

    private static void AddPatches(GpuPlanBuilder plan, FusedPatches fused)
    {
        Node node = fused.Convolution;
        QuantizedLayer? layer = plan.LayerOf(node);
        var convolution = (Conv2d)node.Operator;
        Shape image = node.Inputs[0].Shape;
        int values = convolution.InChannels * convolution.KernelSize * convolution.KernelSize;
        int bytes = layer is not null ? 1 : plan.KeepsHalves ? sizeof(ushort) : sizeof(float);
        var shape = new PatchShape(
            convolution.InChannels, image[1], image[2], convolution.KernelSize, convolution.Stride,
            convolution.Padding, LinearShape.RowBytes(values * bytes) / bytes)
        {
            MaxLevel = layer?.Input!.MaxLevel,
            WritesHalves = plan.KeepsHalves,
        };
        (GpuFunction function, GpuKernelRow<PatchShape> row) = plan.Load(TokenKernels.Patches, shape);
        GpuMatrix pixels = plan.Value(node.Inputs[0]);
        int count = shape.Down * shape.Across;
        GpuMatrix y = plan.Activations("patch tokens", count, convolution.OutChannels);
        FloatTensor? bias = convolution.HasBias ? plan.Parameter(node, 1) : null;
        if (layer is null)
        {
            GpuMatrix patches = plan.Activations("patches", count, shape.RowStride).Slice(0, values);
            plan.Add(images => new GpuLaunch(function, row.Grid(shape, images), pixels.Buffer, patches.Buffer));
            AddProduct(plan, patches, y, plan.Parameter(node, 0).Span, bias);
        }
        else
        {
            GpuLevels patches = plan.LevelScratch("patches", count, values);
            TokenScales scales = TokenScales.Of(plan, rows: 1, repetitions: 1, (layer.Input!, IsReversed: false));
            plan.Add(images => new GpuLaunch(
                function, row.Grid(shape, images), pixels.Buffer, patches.Buffer, scales.InverseScales,
                scales.FloatZeroPoints));
            AddProduct(plan, layer, patches, isReversed: false, y, bias);
        }
        plan.SetValue(fused.Flatten, y);
    }

    private static void AddEmbeddings(GpuPlanBuilder plan, Node node)
    {
        Node before = node.Inputs[0];
        InsertToken? insertion = plan.Graph.OnlyReaderOf(before) is null ? null : before.Operator as InsertToken;
        GpuMatrix x = plan.Value(insertion is null ? before : before.Inputs[0]);
        var shape = new EmbeddingShape(node.Shape[0], node.Shape[1], insertion?.Position)
        {
            ReadsHalves = x.IsHalves,
            PatchStride = x.Stride,
        };
        GpuMatrix y = plan.Allocate(shape.Tokens, shape.Channels);
        (GpuFunction function, GpuKernelRow<EmbeddingShape> row) = plan.Load(TokenKernels.Embeddings, shape);
        GpuBuffer positions = plan.Constant<float>(plan.Parameter(node, 0).Span);
        GpuBuffer token = insertion is null ? positions : plan.Constant<float>(plan.Parameter(before, 0).Span);
        plan.Add(images => new GpuLaunch(
            function, row.Grid(shape, images), x.Buffer, token, positions, y.Buffer));
        plan.SetValue(node, y);
    }
}
