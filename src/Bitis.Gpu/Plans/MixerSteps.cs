using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Graphs;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Scan;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans;

/// <summary>The launches of a Vim block between its two large linear layers.</summary>
/// <remarks>
/// <code>
///   x ─► both convolutions, SiLU ─► u, u_b ─► x_proj, x_proj_b ─► Δ's input, B, C of each direction
///   all of them and z ─► both scans with Δ's projection, softplus, sum and gate ─► input of out_proj
/// </code>
/// </remarks>
internal static class MixerSteps
{
    /// <summary>Adds the launches.</summary>
    public static void Add(GpuPlanBuilder plan, VimMixer mixer)
    {
        GpuMatrix xz = plan.Value(mixer.Input);
        if (xz.IsHalves != plan.KeepsHalves)
            throw GpuPlanBuilder.Missing(mixer.Input);
        int tokens = xz.Rows, channels = mixer.Gate.Product.Shape[^1];
        VimMixer.Direction[] directions = [mixer.Forward, mixer.Backward];
        QuantizedLayer?[] projections = [.. directions.Select(direction => plan.LayerOf(direction.Parameters))];
        var values = new Values(
            [plan.Activations("u", tokens, channels), plan.Activations("u_b", tokens, channels)],
            [.. projections.Zip(["u", "u_b"], (layer, role) =>
                layer is null ? null : plan.LevelScratch(role, tokens, channels))],
            projections,
            [.. directions.Select(direction => plan.LayerOf(direction.Delta))],
            ScanConstants.TablesOf(plan, directions, tokens));
        Require(values.Projections, directions[1].Parameters);
        Require(values.Deltas, directions[1].Delta);
        AddConvolutions(plan, directions, xz, values);
        QuantizedLayer? next = plan.OnlyReadingLayer(mixer.Gate.Product);
        var shape = new ScanShape(
            tokens, channels, mixer.Forward.States, mixer.Forward.Rank, mixer.OutputScale,
            WritesLevels: next is not null, next?.Input!.MaxLevel ?? 0)
        {
            GateStride = xz.Stride,
            AreHalves = xz.IsHalves,
            DeltaMaxLevel = values.Deltas[0]?.Input!.MaxLevel,
            Levels = values.Scans.Length > 0
                ? ScanConstants.ShapeOf(values.Scans, directions[1].Scan.Scan.Name)
                : null,
        };
        var parameters = new GpuMatrix[directions.Length];
        for (int i = 0; i < directions.Length; i++)
        {
            parameters[i] = plan.Scratch(i == 0 ? "x_proj" : "x_proj_b", tokens, shape.ParameterStride)
                .Slice(0, shape.Parameters);
            if (values.Projections[i] is { } layer)
            {
                OperationSteps.AddProduct(
                    plan, layer, values.Levels[i]!, directions[i].IsReversed, parameters[i], bias: null);
            }
            else
            {
                OperationSteps.AddProduct(
                    plan, values.U[i], parameters[i], plan.Parameter(directions[i].Parameters, 0).Span, bias: null);
            }
        }
        AddScans(plan, mixer, directions, shape, values, parameters, xz.Slice(channels, channels), next);
    }

    private static void AddConvolutions(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, GpuMatrix xz, Values values)
    {
        int channels = values.U[0].Columns, taps = directions[0].Taps;
        QuantizedLayer?[] layers = [.. directions.Select(direction => plan.LayerOf(direction.Convolution.Convolution))];
        Require(layers, directions[1].Convolution.Convolution);
        var shape = new ConvolutionShape(xz.Rows, channels, taps)
        {
            InputStride = xz.Stride,
            AreHalves = xz.IsHalves,
            QuantizesInput = layers[0] is not null,
            MaxLevel = values.Projections[0]?.Input!.MaxLevel,
        };
        (GpuFunction function, GpuKernelRow<ConvolutionShape> row) = plan.Load(ConvolutionKernels.Table, shape);
        var packed = new float[2 * taps * channels];
        for (int i = 0; i < directions.Length; i++)
        {
            ReadOnlySpan<float> weights = layers[i] is { } layer
                ? Array.ConvertAll(layer.Levels!, level => (float)level)
                : plan.Parameter(directions[i].Convolution.Convolution, 0).Span;
            CausalConv.PackWeights(
                weights, packed.AsSpan(i * taps * channels, taps * channels), channels, taps);
        }
        GpuBuffer constants = plan.Constant<float>(packed);
        GpuBuffer biases = Both(plan, directions, direction => plan.Parameter(direction.Convolution.Convolution, 1));
        GpuBuffer? quantizers = shape.QuantizesInput
            ? plan.Constant<float>([.. layers.SelectMany(layer => ChannelQuantizers(layer!, channels))])
            : null;
        TokenScales? scales = ScalesOf(plan, directions, values.Projections, xz.Rows);
        plan.Add(images => new ConvolutionOperands
        {
            Images = images,
            Input = xz.Buffer,
            Weights = constants,
            Biases = biases,
            Forward = values.U[0].Buffer,
            Backward = values.U[1].Buffer,
            InputQuantizers = quantizers,
            ForwardLevels = values.Levels[0]?.Buffer,
            BackwardLevels = values.Levels[1]?.Buffer,
            InverseScales = scales?.InverseScales,
            ZeroPoints = scales?.FloatZeroPoints,
        }.Launch(function, row, shape));
    }

    /// <summary>What the levels of a convolution's input need, in rows of channels.</summary>
    private static float[] ChannelQuantizers(QuantizedLayer layer, int channels)
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

    private static void AddScans(
        GpuPlanBuilder plan, VimMixer mixer, VimMixer.Direction[] directions, ScanShape shape, Values values,
        GpuMatrix[] parameters, GpuMatrix z, QuantizedLayer? next)
    {
        (GpuFunction function, GpuKernelRow<ScanShape> row) = plan.Load(ScanKernels.Table, shape);
        GpuBuffer[] states = values.Scans.Length > 0
            ? ScanConstants.Constants(values.Scans, x => plan.Constant<float>(x), x => plan.Constant<int>(x))
            : [
                plan.Constant<float>(
                    [.. directions.SelectMany(direction => Rates(plan.Parameter(direction.Scan.Scan, 0)))]),
                Both(plan, directions, direction => plan.Parameter(direction.Scan.Scan, 1)),
            ];
        GpuBuffer biases = Both(plan, directions, direction => plan.Parameter(direction.Delta, 1));
        DeltaOperands delta = DeltaOf(plan, directions, shape, values.Deltas);
        TokenScales? scales = next is null
            ? null
            : TokenScales.Of(plan, shape.Tokens, 1, (next.Input!, IsReversed: false));
        GpuBuffer output;
        if (next is null)
        {
            GpuMatrix y = plan.Activations("gated", shape.Tokens, shape.Channels);
            plan.SetValue(mixer.Gate.Product, y);
            output = y.Buffer;
        }
        else
        {
            GpuLevels levels = plan.LevelScratch("gated", shape.Tokens, shape.Channels);
            plan.SetLevels(mixer.Gate.Product, levels);
            output = levels.Buffer;
        }
        plan.Add(images => new ScanOperands
        {
            Images = images,
            Forward = values.U[0].Buffer,
            Backward = values.U[1].Buffer,
            ForwardParameters = parameters[0].Buffer,
            BackwardParameters = parameters[1].Buffer,
            DeltaWeights = delta.Weights,
            DeltaBiases = biases,
            DeltaWeightScales = delta.WeightScales,
            DeltaWeightSums = delta.WeightSums,
            DeltaScales = delta.Tokens?.Scales,
            DeltaInverseScales = delta.Tokens?.InverseScales,
            DeltaZeroPoints = delta.Tokens?.ZeroPoints,
            States = states,
            Gate = z.Argument,
            Output = output,
            InverseScales = scales?.InverseScales,
            ZeroPoints = scales?.FloatZeroPoints,
        }.Launch(function, row, shape));
    }

    private static DeltaOperands DeltaOf(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, ScanShape shape, QuantizedLayer?[] layers)
    {
        if (layers[0] is null)
            return new DeltaOperands(Both(plan, directions, direction => plan.Parameter(direction.Delta, 0)));
        (sbyte[] Rows, int[] Sums)[] packed = [.. layers.Select(
            layer => OperationSteps.Pack(layer!, shape.Channels, shape.Rank, shape.DeltaBytes))];
        return new DeltaOperands(plan.Constant<sbyte>([.. packed.SelectMany(layer => layer.Rows)]))
        {
            WeightScales = plan.Constant<float>([.. layers.SelectMany(layer => layer!.Weight!.Scales.ToArray())]),
            WeightSums = plan.Constant<int>([.. packed.SelectMany(layer => layer.Sums)]),
            Tokens = ScalesOf(plan, directions, layers, shape.Tokens),
        };
    }

    /// <summary>The parameters of both directions' inputs, in the order of memory.</summary>
    private static TokenScales? ScalesOf(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, QuantizedLayer?[] layers, int tokens) =>
        layers[0] is null
            ? null
            : TokenScales.Of(
                plan, tokens, 1, [.. layers.Zip(directions, (layer, d) => (layer!.Input!, d.IsReversed))]);

    /// <summary>Refuses directions of which one is quantized, or both with different levels.</summary>
    private static void Require(QuantizedLayer?[] layers, Node node)
    {
        if (layers[0]?.Input!.MaxLevel != layers[1]?.Input!.MaxLevel)
        {
            throw new BitisException(
                $"The GPU has no kernel for '{node.Name}' with other bits than the forward direction. "
                + "Run it on the CPU.");
        }
    }

    /// <summary>A·log₂ e, so that the decay is a power of two.</summary>
    private static float[] Rates(FloatTensor logarithms) =>
        [.. logarithms.Span.ToArray().Select(value => (float)(-Math.Exp(value) * Math.Log2(Math.E)))];

    private static GpuBuffer Both(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, Func<VimMixer.Direction, FloatTensor> parameter) =>
        plan.Constant<float>([.. directions.SelectMany(direction => parameter(direction).Span.ToArray())]);

    /// <summary>What convolutions write, and the quantized layers that read it.</summary>
    private sealed record Values(
        GpuMatrix[] U, GpuLevels?[] Levels, QuantizedLayer?[] Projections, QuantizedLayer?[] Deltas,
        IntegerScanTables[] Scans);

    /// <summary>The constants of Δ's projections.</summary>
    private sealed record DeltaOperands(GpuBuffer Weights)
    {
        /// <summary>The scales of quantized weights.</summary>
        public GpuBuffer? WeightScales { get; init; }

        /// <summary>The sums of quantized weights.</summary>
        public GpuBuffer? WeightSums { get; init; }

        /// <summary>The scales and zero points of a quantized input.</summary>
        public TokenScales? Tokens { get; init; }
    }
}
