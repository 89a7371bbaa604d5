using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of depthwise convolutions, over a grid or along the tokens.</summary>
internal static class ConvolutionSteps
{
    /// <summary>Adds a convolution over a grid, with the levels that projections of its scans want.</summary>
    public static void AddDepthwise(GpuPlanBuilder plan, FusedConvolution fused)
    {
        Node node = fused.Convolution;
        var layer = (DepthwiseConv2d)node.Operator;
        QuantizedLayer? quantized = plan.LayerOf(node);
        bool isQuantized = plan.Groups.Any(
            group => group.Source == fused.Output && GroupSteps.HasIntegerScans(plan, group));
        GpuMatrix x = plan.Natural(node.Inputs[0]);
        float[]? scanQuantizers = GroupSteps.OnlyQuantizers(plan, fused);
        GpuLevels? scanLevels = scanQuantizers is null ? null : plan.LevelScratch(x.Rows, layer.Channels);
        GpuMatrix? y = scanLevels is not null ? null
            : isQuantized ? plan.Scratch(x.Rows, layer.Channels)
            : plan.Activations(x.Rows, layer.Channels);
        if (y is null)
            plan.SetLevels(fused.Output, scanLevels!);
        else
            plan.SetValue(fused.Output, y);
        ProjectionLevels[] levels = [.. plan.Groups
            .Where(group => group.Source == fused.Output && !group.HasConvolutions)
            .SelectMany(group => plan.ReserveProjectionLevels(group, x.Rows))];
        LevelOperands[] operands = [.. levels.Select(
            target => TokenScales.Of(plan, x.Rows, 1, (target.Layer, target.Tokens)).Levels)];
        var shape = new DepthwiseShape(layer.Height, layer.Width, layer.Channels, layer.KernelSize)
        {
            HasBias = layer.HasBias,
            HasSilu = fused.Silu is not null,
            InputStride = x.Stride,
            ReadsHalves = x.IsHalves,
            WritesHalves = y is { IsHalves: true },
            QuantizesInput = quantized is not null,
            WritesScanLevels = scanLevels is not null,
            AtOnce = ElementSteps.HavePairs(x, y) && layer.Channels % 2 == 0 ? 2 : 1,
            Levels = [.. levels.Select(target => TokenScales.ShapeOf(target.Layer))],
        };
        (GpuFunction function, GpuKernelRow<DepthwiseShape> row) = plan.Load(DepthwiseKernels.Table, shape);
        GpuBuffer weights = plan.Constant<float>(
            Weights(plan, node, quantized, layer.Channels, layer.KernelSize * layer.KernelSize));
        GpuBuffer? biases = layer.HasBias ? plan.Constant<float>(plan.Parameter(node, 1).Span) : null;
        GpuBuffer? quantizers = quantized is null
            ? null
            : plan.Constant<float>(ChannelQuantizers(quantized, layer.Channels));
        GpuBuffer? ofScan = scanQuantizers is null ? null : plan.Constant<float>(scanQuantizers);
        plan.Add(images => new DepthwiseOperands
        {
            Images = images,
            Input = x.Argument,
            Weights = weights,
            Output = y?.Argument ?? scanLevels!.Argument,
            Biases = biases,
            InputQuantizers = quantizers,
            ScanQuantizers = ofScan,
            Levels = [.. levels.Zip(operands, (target, parameters) => (target.Levels!.Buffer, parameters))],
        }.Launch(function, row, shape));
    }

    /// <summary>Adds a convolution along the tokens that no scan takes with it.</summary>
    public static void AddCausal(GpuPlanBuilder plan, FusedConvolution fused)
    {
        Node node = fused.Convolution;
        GpuMatrix x = plan.Natural(node.Inputs[0]);
        GpuMatrix y = plan.Activations(x.Rows, x.Columns);
        AddArranged(
            plan, [node], x, [.. Enumerable.Range(0, x.Rows)], fused.Silu is not null, y, scan: null, levels: null,
            operands: null, shape: null);
        plan.SetValue(fused.Output, y);
    }

    /// <summary>Adds convolutions along the tokens in several orders.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="nodes">The convolutions.</param>
    /// <param name="x">Their input.</param>
    /// <param name="rows">The input's row of each step, convolution after convolution.</param>
    /// <param name="hasSilu">Whether SiLU follows.</param>
    /// <param name="y">The outputs as floats, one behind the other; null for levels that scans read.</param>
    /// <param name="scan">The outputs as levels that scans read, and what makes them; null for floats.</param>
    /// <param name="levels">Levels of the outputs; null for none.</param>
    /// <param name="operands">The parameters of the levels.</param>
    /// <param name="shape">What the levels depend on.</param>
    public static void AddArranged(
        GpuPlanBuilder plan, Node[] nodes, GpuMatrix x, int[] rows, bool hasSilu, GpuMatrix? y,
        (GpuLevels Levels, float[] Quantizers)? scan, GpuLevels? levels, LevelOperands? operands, LevelShape? shape)
    {
        int channels = x.Columns, steps = rows.Length / nodes.Length;
        int taps = ((CausalConv1d)nodes[0].Operator).KernelSize;
        QuantizedLayer?[] layers = [.. nodes.Select(plan.LayerOf)];
        if (layers.Any(layer => layer is null != layers[0] is null))
            throw GpuPlanBuilder.Missing(nodes[1]);
        var convolution = new ArrangedConvolutionShape(nodes.Length, steps, channels, taps)
        {
            InputRows = x.Rows,
            InputStride = x.Stride,
            HasSilu = hasSilu,
            ReadsHalves = x.IsHalves,
            WritesHalves = y is { IsHalves: true },
            QuantizesInput = layers[0] is not null,
            WritesScanLevels = scan is not null,
            AtOnce = ElementSteps.HavePairs(x, y) && channels % 2 == 0 ? 2 : 1,
            Levels = shape,
        };
        (GpuFunction function, GpuKernelRow<ArrangedConvolutionShape> row) =
            plan.Load(ArrangedConvolutionKernels.Table, convolution);
        GpuBuffer weights = plan.Constant<float>(
            [.. nodes.Zip(layers).SelectMany(pair => Weights(plan, pair.First, pair.Second, channels, taps))]);
        GpuBuffer biases = plan.Constant<float>([.. nodes.SelectMany(node => plan.Parameter(node, 1).Span.ToArray())]);
        GpuBuffer? quantizers = layers[0] is null
            ? null
            : plan.Constant<float>([.. layers.SelectMany(layer => ChannelQuantizers(layer!, channels))]);
        GpuBuffer? scanQuantizers = scan is { } of ? plan.Constant<float>(of.Quantizers) : null;
        GpuBuffer map = plan.Constant<int>(rows);
        plan.Add(images => new ArrangedConvolutionOperands
        {
            Images = images,
            Input = x.Argument,
            Rows = map,
            Weights = weights,
            Biases = biases,
            Output = scan?.Levels.Buffer ?? y!.Buffer,
            RowsOfDirection = plan.Images * steps,
            InputQuantizers = quantizers,
            ScanQuantizers = scanQuantizers,
            LevelTarget = levels?.Buffer,
            Levels = operands,
        }.Launch(function, row, convolution));
    }

    /// <summary>The weights of each tap in rows of channels; of a quantized layer, their levels as floats.</summary>
    public static float[] Weights(
        GpuPlanBuilder plan, Node node, QuantizedLayer? layer, int channels, int taps)
    {
        var packed = new float[taps * channels];
        ReadOnlySpan<float> weights = layer is not null
            ? Array.ConvertAll(layer.Levels!, level => (float)level)
            : plan.Parameter(node, 0).Span;
        CausalConv.PackWeights(weights, packed, channels, taps);
        return packed;
    }

    /// <summary>What the levels of a convolution's input need, in rows of channels.</summary>
    public static float[] ChannelQuantizers(QuantizedLayer layer, int channels)
    {
        UniformQuantizer input = layer.Input!;
        int[] groups = [.. Enumerable.Range(0, channels).Select(channel => input.GroupOf(token: 0, channel))];
        return
        [
            .. groups.Select(group => input.InverseScales[group]),
            .. groups.Select(group => (float)(input.MinLevel - input.ZeroPoints[group])),
            .. groups.Select(group => (float)(input.MaxLevel - input.ZeroPoints[group])),
            .. groups.Select((group, channel) => input.Scales[group] * layer.Weight!.Scales[channel]),
        ];
    }
}
