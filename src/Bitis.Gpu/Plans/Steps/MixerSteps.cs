using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of a Vim block between its two large linear layers.</summary>
/// <remarks>
/// <code>
///   x ─► both convolutions, SiLU ─► u, u_b ─► x_proj, x_proj_b ─► Δ's input, B, C of each direction
///   all of them and z ─► both scans with Δ's projection, softplus, sum and gate ─► input of out_proj
/// </code>
/// What belongs to the backward direction lies behind that of the forward one.
/// </remarks>
internal static class MixerSteps
{
    /// <summary>Adds the launches.</summary>
    public static void Add(GpuPlanBuilder plan, VimMixer mixer)
    {
        int channels = mixer.Gate.Product.Shape[^1], tokens = mixer.Gate.Product.Shape[0];
        var input = Input.Of(plan, mixer, channels);
        if (input.Z.IsHalves != plan.KeepsHalves)
            throw GpuPlanBuilder.Missing(mixer.Input);
        VimMixer.Direction[] directions = [mixer.Forward, mixer.Backward];
        ScanBranch[] branches = [.. directions.Select(direction => direction.Branch)];
        QuantizedLayer?[] projections = [.. branches.Select(branch => plan.LayerOf(branch.Parameters))];
        ScanShape shape = ScanConstants.WithLevels(
            plan, branches, tokens, new ScanShape(tokens, channels, branches[0].States, branches[0].Rank)
            {
                OutputScale = mixer.OutputScale,
                GateStride = input.Z.Stride,
                AreHalves = input.Z.IsHalves,
                HasHalfStates = plan.HasHalfStates && branches[0].States % 2 == 0,
            });
        Require(projections, branches[1].Parameters);
        // What a scan in integers reads are the levels of u, if nobody else reads u.
        shape = shape with { ReadsLevels = shape.Levels is not null && projections[0] is not null };
        GpuLevels? levelsOfU = shape.ReadsLevels ? plan.LevelScratch(2 * tokens, channels) : null;
        GpuMatrix? u = levelsOfU is null ? plan.Activations(2 * tokens, channels) : null;
        GpuLevels? levels = projections[0] is null ? null : plan.LevelScratch(2 * tokens, channels);
        AddConvolutions(plan, directions, input, u, levelsOfU, levels, projections);
        GpuMatrix parameters = plan.Scratch(2 * tokens, shape.ParameterStride);
        ProductSteps.AddStack(
            plan, projections[0] is null ? null : [.. projections.OfType<QuantizedLayer>()],
            [.. branches.Select(branch => branch.Parameters)], levels is null ? u : null, levels,
            [.. directions.Select(direction => RowTokens.Of(direction.IsReversed))],
            parameters.Slice(0, shape.Parameters));
        GpuArgument argument = u?.Argument ?? levelsOfU!.Argument;
        AddScans(plan, mixer, shape, argument, u?.Stride ?? levelsOfU!.Stride, parameters, input.Z);
    }

    /// <summary>1/scale, lowest and highest level less the zero point of each channel of x, where levels do.</summary>
    /// <returns>Null if a convolution wants floats, or both want other levels.</returns>
    public static float[]? InputQuantizer(GpuPlanBuilder plan, VimMixer mixer)
    {
        int channels = mixer.Gate.Product.Shape[^1];
        if (channels % 2 != 0
            || plan.LayerOf(mixer.Forward.Convolution.Convolution) is not { } forward
            || plan.LayerOf(mixer.Backward.Convolution.Convolution) is not { } backward)
        {
            return null;
        }
        float[] one = ConvolutionSteps.ChannelQuantizers(forward, channels)[..(3 * channels)];
        float[] other = ConvolutionSteps.ChannelQuantizers(backward, channels)[..(3 * channels)];
        return one.AsSpan().SequenceEqual(other) ? one : null;
    }

    private static void AddConvolutions(
        GpuPlanBuilder plan, VimMixer.Direction[] directions, Input input, GpuMatrix? u, GpuLevels? levelsOfU,
        GpuLevels? levels, QuantizedLayer?[] projections)
    {
        int channels = input.Z.Columns, taps = directions[0].Taps, tokens = input.Z.Rows;
        Node[] nodes = [.. directions.Select(direction => direction.Convolution.Convolution)];
        QuantizedLayer?[] layers = [.. nodes.Select(plan.LayerOf)];
        Require(layers, nodes[1]);
        var shape = new ConvolutionShape(tokens, channels, taps)
        {
            InputStride = input.Stride,
            AreHalves = input.Z.IsHalves,
            QuantizesInput = layers[0] is not null,
            ReadsLevels = input.AreLevels,
            WritesScanLevels = levelsOfU is not null,
            Levels = projections[0] is null ? null : TokenScales.ShapeOf(projections[0]!),
        };
        (GpuFunction function, GpuKernelRow<ConvolutionShape> row) = plan.Load(ConvolutionKernels.Table, shape);
        GpuBuffer weights = plan.Constant<float>([.. nodes.Zip(layers).SelectMany(
            pair => ConvolutionSteps.Weights(plan, pair.First, pair.Second, channels, taps))]);
        GpuBuffer biases = plan.Constant<float>([.. nodes.SelectMany(node => plan.Parameter(node, 1).Span.ToArray())]);
        GpuBuffer? quantizers = shape.QuantizesInput
            ? plan.Constant<float>(
                [.. layers.SelectMany(layer => ConvolutionSteps.ChannelQuantizers(layer!, channels))])
            : null;
        TokenScales? scales = projections[0] is null
            ? null
            : TokenScales.Of(
                plan, tokens, 1,
                [.. projections.Zip(directions, (layer, d) => (layer!, RowTokens.Of(d.IsReversed)))]);
        GpuBuffer? scanQuantizers = levelsOfU is null
            ? null
            : plan.Constant<float>(ScanConstants.InputQuantizers(plan, [.. directions.Select(d => d.Branch)]));
        int rows = plan.Images * tokens;
        plan.Add(images => new ConvolutionOperands
        {
            Images = images,
            Input = input.X,
            Weights = weights,
            Biases = biases,
            Forward = u?.Argument ?? levelsOfU!.Argument,
            Backward = u is null
                ? Behind(levelsOfU, rows)!.Argument
                : (u with { Start = rows * u.Stride }).Argument,
            InputQuantizers = quantizers,
            ScanQuantizers = scanQuantizers,
            ForwardLevels = levels?.Argument,
            BackwardLevels = Behind(levels, rows)?.Argument,
            Levels = scales?.Levels,
        }.Launch(function, row, shape));
    }

    private static void AddScans(
        GpuPlanBuilder plan, VimMixer mixer, ScanShape shape, GpuArgument u, int strideOfU, GpuMatrix parameters,
        GpuMatrix z)
    {
        GpuTarget y = plan.NewTarget(mixer.Gate.Product, repetitions: 1);
        shape = shape with { OutputLevels = y.Shape };
        (GpuFunction function, GpuKernelRow<ScanShape> row) = plan.Load(ScanKernels.Table, shape);
        ScanConstants constants = ScanConstants.Of(
            plan, [mixer.Forward.Branch, mixer.Backward.Branch], shape, [RowTokens.Natural, RowTokens.Reversed]);
        int rows = plan.Images * shape.Tokens;
        plan.Add(images => new ScanOperands
        {
            Images = images,
            Input = u,
            InputOffset = rows * strideOfU,
            Parameters = parameters.Argument,
            ParameterOffset = rows * parameters.Stride,
            DeltaWeights = constants.DeltaWeights,
            DeltaBiases = constants.DeltaBiases,
            DeltaLevels = constants.DeltaLevels,
            States = constants.States,
            Gate = z.Argument,
            Output = y.Buffer,
            OutputLevels = y.Operands,
        }.Launch(function, row, shape));
    }

    private static GpuLevels? Behind(GpuLevels? levels, int rows) =>
        levels is null ? null : levels with { Start = rows * levels.Stride };

    /// <summary>Refuses directions of which one is quantized, or both with different levels.</summary>
    private static void Require(QuantizedLayer?[] layers, Node node)
    {
        bool isSame = layers[0] is null == layers[1] is null
            && (layers[0] is null || TokenScales.ShapeOf(layers[0]!) == TokenScales.ShapeOf(layers[1]!));
        if (!isSame)
        {
            throw new BitisException(
                $"The GPU has no kernel for '{node.Name}' with other levels than the forward direction. "
                + "Run it on the CPU.");
        }
    }

    /// <summary>What a block reads.</summary>
    /// <param name="X">x: floats, or levels.</param>
    /// <param name="Stride">The distance of its rows in elements.</param>
    /// <param name="AreLevels">Whether x is levels.</param>
    /// <param name="Z">z.</param>
    private sealed record Input(GpuArgument X, int Stride, bool AreLevels, GpuMatrix Z)
    {
        public static Input Of(GpuPlanBuilder plan, VimMixer mixer, int channels)
        {
            if (plan.SplitOf(mixer) is ({ } levels, { } z))
                return new Input(levels.Argument, levels.Stride, AreLevels: true, z);
            GpuMatrix xz = plan.Natural(mixer.Input);
            return new Input(xz.Argument, xz.Stride, AreLevels: false, xz.Slice(channels, channels));
        }
    }
}
