using Bitis.Graphs.Operators;
using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of the depthwise convolution over a grid of tokens.</summary>
internal sealed unsafe record DepthwiseConvGradientCase(int Height, int Width, int KernelSize, int Channels)
    : KernelCaseOfTable<RangeKernel<DepthwiseConvGradientCall>>(DepthwiseConvGradient.Table)
{
    /// <summary>Whether the SiLU is left out.</summary>
    public bool SumsOnly { get; init; }

    /// <summary>Whether the gradient of the input is added to what is there.</summary>
    public bool Accumulate { get; init; }

    internal override string Size => $"{Height}×{Width}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    private int Tokens => Height * Width;

    private int Taps => KernelSize * KernelSize;

    private float[] X => Spoiled(Sample.Floats(1, Tokens * Channels));

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
        var layer = new DepthwiseConv2d(Channels, Height, Width, KernelSize, HasBias: true);
        double loss = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int token = i / Channels, channel = i % Channels;
            double sum = bias[channel];
            for (int tap = 0; tap < Taps; tap++)
            {
                if (layer.Source(token, tap) is { } source)
                    sum += w[(tap * Channels) + channel] * x[(source * Channels) + channel];
            }
            loss += weights[i] * (SumsOnly ? sum : ExactActivations.Silu(sum));
        }
        return loss;
    }

    private protected override Action<RangeKernel<DepthwiseConvGradientCall>> CreateRun()
    {
        var call = new DepthwiseConvGradientCall
        {
            Forward = new DepthwiseConvCall
            {
                Height = Height,
                Width = Width,
                KernelSize = KernelSize,
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
            Scratch = Scratch<float>(DepthwiseConvGradient.ScratchLength(Tokens)).Pointer,
        };
        return kernel => kernel.Run(in call, 0, Channels);
    }
}
