using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of a Vim block between its two large linear layers.</summary>
/// <remarks>
/// <code>
///   x ─► both convolutions, SiLU ─► u, u_b ─► x_proj, x_proj_b ─► Δ's input, B, C: one launch where it can be
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
        var input = MixerInput.Of(plan, mixer, channels);
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
        AddScans(plan, mixer, shape, MixerConvolutions.Add(plan, directions, input, shape), input.Z);
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

    private static void AddScans(
        GpuPlanBuilder plan, VimMixer mixer, ScanShape shape, MixerConvolutions.Result read, GpuMatrix z)
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
            Input = read.U,
            InputOffset = rows * read.Stride,
            Parameters = read.Parameters.Argument,
            ParameterOffset = rows * read.Parameters.Stride,
            DeltaWeights = constants.DeltaWeights,
            DeltaBiases = constants.DeltaBiases,
            DeltaLevels = constants.DeltaLevels,
            States = constants.States,
            Gate = z.Argument,
            Output = y.Buffer,
            OutputLevels = y.Operands,
        }.Launch(function, row, shape));
    }

    /// <summary>Refuses directions of which one is quantized, or both with different levels.</summary>
    public static void Require(QuantizedLayer?[] layers, Node node)
    {
        bool isSame = layers[0] is null == layers[1] is null
            && (layers[0] is null || TokenScales.ShapeOf(layers[0]!) == TokenScales.ShapeOf(layers[1]!));
        if (!isSame)
            throw GpuPlanBuilder.Missing(node, " with other levels than the first direction");
    }
}
