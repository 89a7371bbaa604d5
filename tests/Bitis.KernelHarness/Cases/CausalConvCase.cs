using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;

namespace Bitis.KernelHarness.Cases;

/// <summary>The causal convolution along the tokens, with SiLU.</summary>
internal sealed unsafe record CausalConvCase(int Tokens, int Channels, int Taps)
    : KernelCaseOfTable<RangeKernel<CausalConvCall>>(CausalConv.Table)
{
    public bool Reverse { get; init; }

    /// <summary>Whether input and weights are integers, which are summed exactly and scaled by channel.</summary>
    public bool IsInteger { get; init; }

    /// <summary>The row of each token in the input, -1 for zeros; null for the same rows.</summary>
    internal int[]? RowMap { get; init; }

    /// <summary>Where the channels are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => IsInteger ? "of levels" : "";

    internal override string Size => $"{Tokens}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    private int SourceRows => RowMap is null ? Tokens : RowMap.Append(-1).Max() + 1;

    private float[] X => Spoiled(IsInteger
        ? Sample.Levels(1, SourceRows * Channels, -200, 255)
        : Sample.Floats(1, SourceRows * Channels));

    private float[] W => IsInteger ? Sample.Levels(2, Taps * Channels, -127, 127) : Sample.Floats(2, Taps * Channels);

    private float[] Scales => Sample.Floats(4, Channels, 1e-4f, 1e-3f);

    private float[] Bias => Sample.Floats(3, Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] sums = Sums();
        float[] scales = Scales, bias = Bias;
        if (!IsInteger)
        {
            return
                [Expectation.Near([.. sums.Select((sum, i) => ExactActivations.Silu(sum + bias[i % Channels]))], 2e-6)];
        }

        var values = new float[sums.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float product = (float)sums[i] * scales[i % Channels];
            values[i] = product + bias[i % Channels];
        }
        return [Expectation.Exact(Sample.Silu(values))];
    }

    private double[] Sums()
    {
        float[] x = X, w = W;
        var sums = new double[Tokens * Channels];
        for (int i = 0; i < sums.Length; i++)
        {
            int token = i / Channels, channel = i % Channels;
            for (int tap = 0; tap < Taps; tap++)
            {
                int distance = Taps - 1 - tap, from = Reverse ? token + distance : token - distance;
                int row = from < 0 || from >= Tokens ? -1 : RowMap?[from] ?? from;
                sums[i] += row < 0 ? 0 : (double)w[(channel * Taps) + tap] * x[(row * Channels) + channel];
            }
        }
        return sums;
    }

    private protected override Action<RangeKernel<CausalConvCall>> CreateRun()
    {
        var weights = new float[Taps * Channels];
        CausalConv.PackWeights(W, weights, Channels, Taps);
        var call = new CausalConvCall
        {
            Tokens = Tokens,
            Taps = Taps,
            Reverse = Reverse,
            Source = Input<float>(X).Pointer,
            SourceStride = Channels,
            Rows = RowMap is null ? null : Input<int>(RowMap).Pointer,
            Weights = Input<float>(weights).Pointer,
            WeightStride = Channels,
            Scales = IsInteger ? Input<float>(Scales).Pointer : null,
            Bias = Input<float>(Bias).Pointer,
            Target = Output<float>(Tokens * Channels).Pointer,
            TargetStride = Channels,
        };
        int[] cuts = [0, .. Cuts, Channels];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
