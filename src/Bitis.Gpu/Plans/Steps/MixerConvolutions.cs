using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of a Vim block from x to what its scans read: one or two.</summary>
internal static class MixerConvolutions
{
    /// <summary>Adds the launches.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="directions">The forward direction, then the backward one.</param>
    /// <param name="input">x and z.</param>
    /// <param name="scan">The scans.</param>
    public static Result Add(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, MixerInput input, ScanShape scan)
    {
        int tokens = scan.Tokens, channels = scan.Channels;
        Node[] projections = [.. directions.Select(direction => direction.Branch.Parameters)];
        QuantizedLayer?[] layers = [.. projections.Select(plan.LayerOf)];
        QuantizedLayer[]? quantized = layers[0] is null ? null : [.. layers.OfType<QuantizedLayer>()];
        RowTokens[] orders = [.. directions.Select(direction => RowTokens.Of(direction.IsReversed))];
        GpuLevels? levelsOfU = scan.ReadsLevels ? plan.LevelScratch(2 * tokens, channels) : null;
        GpuMatrix? u = levelsOfU is null ? plan.Activations(2 * tokens, channels) : null;
        GpuMatrix parameters = plan.Scratch(2 * tokens, scan.ParameterStride);
        var result = new Result(
            u?.Argument ?? levelsOfU!.Argument, u?.Stride ?? levelsOfU!.Stride, parameters);

        QuantizedLayer?[] convolutions = [.. directions.Select(d => plan.LayerOf(d.Convolution.Convolution))];
        MixerSteps.Require(convolutions, directions[1].Convolution.Convolution);
        var convolution = new ConvolutionShape(tokens, channels, directions[0].Taps)
        {
            InputStride = input.Stride,
            AreHalves = input.Z.IsHalves,
            QuantizesInput = convolutions[0] is not null,
            ReadsLevels = input.AreLevels,
            WritesScanLevels = scan.ReadsLevels,
            Levels = quantized is null ? null : TokenScales.ShapeOf(quantized[0]),
        };
        Constants constants = Constants.Of(plan, directions, convolutions, convolution);
        TokenScales? scales = quantized is null ? null : TokenScales.Of(plan, tokens, 1, [.. quantized.Zip(orders)]);
        LinearShape projection = ProductSteps.ShapeOfStack(
            quantized, channels, u is { IsHalves: true }, parameters.Slice(0, scan.Parameters), groups: 2);
        var both = new ProjectedConvolutionShape(convolution, projection);
        if (plan.Find(ProjectedConvolutionKernels.Table, both) is { } kernel)
        {
            ProductSteps.PackedLayers packed = ProductSteps.UploadStack(plan, quantized, projections, projection);
            AddOne(plan, both, kernel, input, constants, scales, packed, result);
            return result;
        }
        GpuLevels? levels = quantized is null ? null : plan.LevelScratch(2 * tokens, channels);
        AddConvolutions(plan, convolution, input, constants, scales, levels, result);
        ProductSteps.AddStack(
            plan, quantized, projections, levels is null ? u : null, levels, orders,
            parameters.Slice(0, scan.Parameters));
        return result;
    }

    /// <summary>Adds one launch of all.</summary>
    private static void AddOne(
        GpuPlanBuilder plan, ProjectedConvolutionShape shape,
        (GpuFunction Function, GpuKernelRow<ProjectedConvolutionShape> Row) kernel, MixerInput input,
        Constants constants, TokenScales? scales, ProductSteps.PackedLayers packed, Result result)
    {
        int rows = plan.Images * shape.Convolution.Tokens;
        plan.Add(images => new ProjectedConvolutionOperands
        {
            Images = images,
            Input = input.X,
            Weights = constants.Weights,
            Biases = constants.Biases,
            Output = result.U,
            OutputOffset = rows * result.Stride,
            InputQuantizers = constants.InputQuantizers,
            ScanQuantizers = constants.ScanQuantizers,
            Levels = scales?.Levels,
            ProjectionWeights = packed.Weights,
            Parameters = result.Parameters.Argument,
            ParameterOffset = rows * result.Parameters.Stride,
            LevelScales = scales?.Scales,
            LevelZeroPoints = scales?.ZeroPoints,
            WeightScales = packed.Scales,
            ColumnSums = packed.ColumnSums,
        }.Launch(kernel.Function, kernel.Row, shape));
    }

    /// <summary>Adds a launch of the convolutions.</summary>
    private static void AddConvolutions(
        GpuPlanBuilder plan, ConvolutionShape shape, MixerInput input, Constants constants, TokenScales? scales,
        GpuLevels? levels, Result result)
    {
        (GpuFunction function, GpuKernelRow<ConvolutionShape> row) = plan.Load(ConvolutionKernels.Table, shape);
        int rows = plan.Images * shape.Tokens;
        plan.Add(images => new ConvolutionOperands
        {
            Images = images,
            Input = input.X,
            Weights = constants.Weights,
            Biases = constants.Biases,
            Forward = result.U,
            Backward = result.U.Behind((long)rows * result.Stride * shape.OutputBytes),
            InputQuantizers = constants.InputQuantizers,
            ScanQuantizers = constants.ScanQuantizers,
            ForwardLevels = levels?.Argument,
            BackwardLevels = levels?.Argument.Behind((long)rows * levels.Stride),
            Levels = scales?.Levels,
        }.Launch(function, row, shape));
    }

    /// <summary>What the launches write.</summary>
    /// <param name="U">u of the forward direction, or its levels; behind it, that of the backward direction.</param>
    /// <param name="Stride">The distance of its rows in elements.</param>
    /// <param name="Parameters">Δ's input, B and C of both directions.</param>
    internal sealed record Result(GpuArgument U, int Stride, GpuMatrix Parameters);

    /// <summary>What never changes.</summary>
    private sealed record Constants(
        GpuBuffer Weights, GpuBuffer Biases, GpuBuffer? InputQuantizers, GpuBuffer? ScanQuantizers)
    {
        public static Constants Of(
            GpuPlanBuilder plan, VimMixer.Direction[] directions, QuantizedLayer?[] layers, ConvolutionShape shape)
        {
            Node[] nodes = [.. directions.Select(direction => direction.Convolution.Convolution)];
            return new Constants(
                plan.Constant<float>([.. nodes.Zip(layers).SelectMany(pair => ConvolutionSteps.Weights(
                    plan, pair.First, pair.Second, shape.Channels, shape.Taps))]),
                plan.Constant<float>([.. nodes.SelectMany(node => plan.Parameter(node, 1).Span.ToArray())]),
                shape.QuantizesInput
                    ? plan.Constant<float>([.. layers.SelectMany(
                        layer => ConvolutionSteps.ChannelQuantizers(layer!, shape.Channels))])
                    : null,
                shape.WritesScanLevels
                    ? plan.Constant<float>(ScanConstants.InputQuantizers(plan, [.. directions.Select(d => d.Branch)]))
                    : null);
        }
    }
}
