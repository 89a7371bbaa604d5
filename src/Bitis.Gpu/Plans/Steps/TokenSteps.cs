using Bitis.Execution.Compiled.Convolutions;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Tokens;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches that make tokens: of pixels, of squares of other tokens, with positions.</summary>
internal static class TokenSteps
{
    /// <summary>Adds patches of the image times a matrix.</summary>
    public static void AddPatches(GpuPlanBuilder plan, FusedPatches fused)
    {
        Node node = fused.Convolution;
        if (node.Inputs[0] != plan.Graph.Graph.Input)
            throw GpuPlanBuilder.Missing(node);
        QuantizedLayer? layer = plan.LayerOf(node);
        var convolution = (Conv2d)node.Operator;
        Shape image = node.Inputs[0].Shape;
        int values = convolution.InChannels * convolution.KernelSize * convolution.KernelSize;
        var shape = new PatchShape(
            convolution.InChannels, image[1], image[2], convolution.KernelSize, convolution.Stride,
            convolution.Padding, StrideOf(plan, layer, values))
        {
            MaxLevel = layer?.Input!.MaxLevel,
            WritesHalves = plan.KeepsHalves,
        };
        (GpuFunction function, GpuKernelRow<PatchShape> row) = plan.Load(TokenKernels.Patches, shape);
        GpuMatrix pixels = plan.Value(node.Inputs[0]);
        FloatTensor? bias = convolution.HasBias ? plan.Parameter(node, 1) : null;
        AddProduct(
            plan, layer, node, fused.Flatten, values, bias, () => plan.Parameter(node, 0).Span.ToArray(),
            (images, patches, quantizer) => new GpuLaunch(
                function, row.Grid(shape, images), [pixels.Argument, patches, .. quantizer]));
    }

    /// <summary>Adds a convolution over a grid of tokens.</summary>
    public static void AddGridConvolution(GpuPlanBuilder plan, Node node)
    {
        QuantizedLayer? layer = plan.LayerOf(node);
        var convolution = (GridConv2d)node.Operator;
        GpuMatrix x = plan.Natural(node.Inputs[0]);
        int values = GridPatches.Length(convolution);
        var shape = new GridPatchShape(
            convolution.InChannels, convolution.Height, convolution.Width, convolution.KernelSize, convolution.Stride,
            convolution.Padding, StrideOf(plan, layer, values))
        {
            InputStride = x.Stride,
            ReadsHalves = x.IsHalves,
            MaxLevel = layer?.Input!.MaxLevel,
            WritesHalves = plan.KeepsHalves,
        };
        (GpuFunction function, GpuKernelRow<GridPatchShape> row) = plan.Load(TokenKernels.GridPatches, shape);
        QuantizedLayer? packed = layer is null ? null : Packed(convolution, layer);
        AddProduct(
            plan, packed, node, node, values, plan.Parameter(node, 1), Weights,
            (images, patches, quantizer) => new GpuLaunch(
                function, row.Grid(shape, images), [x.Argument, patches, .. quantizer]));

        float[] Weights()
        {
            FloatTensor weights = plan.Parameter(node, 0);
            var matrix = new float[weights.Length];
            GridPatches.PackWeights<float>(convolution, weights.Span, matrix);
            return matrix;
        }
    }

    /// <summary>Adds patches and class token with their positions.</summary>
    public static void AddEmbeddings(GpuPlanBuilder plan, Node node)
    {
        Node before = node.Inputs[0];
        InsertToken? insertion = plan.Has(before) ? null : before.Operator as InsertToken;
        GpuMatrix x = plan.Natural(insertion is null ? before : before.Inputs[0]);
        var shape = new EmbeddingShape(node.Shape[0], node.Shape[1], insertion?.Position)
        {
            ReadsHalves = x.IsHalves,
            PatchStride = x.Stride,
        };
        GpuMatrix y = plan.Scratch(shape.Tokens, shape.Channels);
        (GpuFunction function, GpuKernelRow<EmbeddingShape> row) = plan.Load(TokenKernels.Embeddings, shape);
        GpuBuffer positions = plan.Constant<float>(plan.Parameter(node, 0).Span);
        GpuBuffer token = insertion is null ? positions : plan.Constant<float>(plan.Parameter(before, 0).Span);
        plan.Add(images => new GpuLaunch(
            function, row.Grid(shape, images), x.Argument, token, positions, y.Buffer));
        plan.SetValue(node, y);
    }

    /// <summary>The distance of rows of patches in values.</summary>
    private static int StrideOf(GpuPlanBuilder plan, QuantizedLayer? layer, int values)
    {
        int bytes = layer is not null ? 1 : plan.KeepsHalves ? sizeof(ushort) : sizeof(float);
        return LinearShape.RowBytes(values * bytes) / bytes;
    }

    /// <summary>Adds the launch that gathers, and the product behind it.</summary>
    private static void AddProduct(
        GpuPlanBuilder plan, QuantizedLayer? layer, Node node, Node output, int values, FloatTensor? bias,
        Func<float[]> weights, Func<int, GpuArgument, GpuArgument[], GpuLaunch> gather)
    {
        int rows = output.Shape[0];
        if (layer is null)
        {
            GpuMatrix patches = plan.Activations(rows, StrideOf(plan, layer, values)).Slice(0, values);
            plan.Add(images => gather(images, patches.Argument, []));
            GpuTarget y = plan.NewTarget(output, plan.Images);
            ProductSteps.AddProduct(plan, patches, y, [node], weights(), bias);
        }
        else
        {
            GpuLevels patches = plan.LevelScratch(rows, values);
            TokenScales scales = TokenScales.Of(plan, rows: 1, repetitions: 1, (layer, RowTokens.Natural));
            plan.Add(images => gather(images, patches.Argument, [scales.InverseScales, scales.FloatZeroPoints]));
            GpuTarget y = plan.NewTarget(output, plan.Images);
            ProductSteps.AddProduct(plan, [layer], patches, RowTokens.Natural, y, bias);
        }
    }

    /// <summary>A layer whose weights lie as the gathered values do.</summary>
    private static QuantizedLayer Packed(GridConv2d convolution, QuantizedLayer layer)
    {
        var levels = new sbyte[layer.Levels!.Length];
        GridPatches.PackWeights<sbyte>(convolution, layer.Levels, levels);
        return new QuantizedLayer(levels, layer.Weight, layer.Input);
    }
}
