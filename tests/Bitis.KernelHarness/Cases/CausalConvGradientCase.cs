using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of the causal convolution.</summary>
internal sealed unsafe record CausalConvGradientCase(int Tokens, int Channels, int Taps)
    : KernelCaseOfTable<RangeKernel<CausalConvGradientCall>>(CausalConvGradient.Table)
{
    public bool Reverse { get; init; }

    /// <summary>Whether the SiLU is left out.</summary>
    public bool SumsOnly { get; init; }

    /// <summary>Whether the gradient of the input is added to what is there.</summary>
    public bool Accumulate { get; init; }

    internal override string Size => $"{Tokens}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    internal override bool IsBitExact => false;

    private float[] X => SpoiledForSums(Sample.Floats(1, Tokens * Channels));

    /// <summary>Packed, <c>[taps, channels]</c>.</summary>
    private float[] W => Sample.Floats(2, Taps * Channels);

    private float[] Bias => Sample.Floats(3, Channels);

    private float[] OutputGradient => Sample.Floats(4, Tokens * Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = NumericalGradient.OfEach(Loss, X, W, Bias);
        gradients[0] = NumberArrays.Plus(gradients[0], Accumulate ? 1 : 0);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    private double Loss(double[][] operands)
    {
        double[] x = operands[0], w = operands[1], bias = operands[2];
        float[] weights = OutputGradient;
        double loss = 0;
        for (int i = 0; i < Tokens; i++)
        {
            for (int channel = 0; channel < Channels; channel++)
            {
                double sum = bias[channel];
                for (int tap = Math.Max(0, Taps - 1 - i); tap < Taps; tap++)
                    sum += w[(tap * Channels) + channel] * x[(Row(i - Taps + 1 + tap) * Channels) + channel];
                loss += weights[(Row(i) * Channels) + channel] * (SumsOnly ? sum : ExactActivations.Silu(sum));
            }
        }
        return loss;
    }

    private int Row(int i) => Reverse ? Tokens - 1 - i : i;

    private protected override Action<RangeKernel<CausalConvGradientCall>> CreateRun()
    {
        var call = new CausalConvGradientCall
        {
            Forward = new CausalConvCall
            {
                Tokens = Tokens,
                Taps = Taps,
                Reverse = Reverse,
                SumsOnly = SumsOnly,
                Source = Input<float>(X).Pointer,
                SourceStride = Channels,
                Weights = Input<float>(W).Pointer,
                WeightStride = Channels,
                Bias = Input<float>(Bias).Pointer,
            },
            Gradients = new LayerGradients
            {
                Output = Input<float>(OutputGradient).Pointer,
                OutputStride = Channels,
                Source = Output(NumberArrays.Repeat(1, Tokens * Channels)).Pointer,
                SourceStride = Channels,
                AccumulateSource = Accumulate,
                Weight = Output<float>(Taps * Channels).Pointer,
                Bias = Output<float>(Channels).Pointer,
            },
            Sums = Scratch<float>(Tokens * Channels).Pointer,
        };
        return kernel => kernel.Run(in call, 0, Channels);
    }
}
