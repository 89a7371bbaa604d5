using Bitis.Execution.Compiled.Convolutions;
using Bitis.Graphs.Operators;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.KernelHarness.Cases;

/// <summary>The convolution over a grid of tokens, whose input is two values side by side.</summary>
internal sealed unsafe record GridConvCase(
    int Height, int Width, int KernelSize, int Stride, int Padding, int FirstChannels, int SecondChannels, int Outputs)
    : KernelCaseOfTable<GridConvKernel>(GridConv.Table)
{
    /// <summary>How much longer rows are in memory than the values in them.</summary>
    private const int Gap = 3;

    /// <summary>Whether negative outputs become 0.</summary>
    public bool Rectify { get; init; }

    /// <summary>Where the places are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => Rectify ? "rectified" : "";

    internal override string Size => $"{Height}×{Width}, {KernelSize}×{KernelSize}, {Channels}×{Outputs}";

    internal override double Work => (double)Places * KernelSize * KernelSize * Channels * Outputs;

    internal override bool IsProduct => true;

    private int Channels => FirstChannels + SecondChannels;

    private GridConv2d Layer => new(Channels, Outputs, Height, Width, KernelSize, Stride, Padding);

    private int Places => Layer.OutHeight * Layer.OutWidth;

    private int Taps => KernelSize * KernelSize;

    private float[] W => Sample.Floats(3, Outputs * Channels * Taps);

    private float[] Bias => Sample.Floats(4, Outputs);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] first = Part(1, FirstChannels), second = Part(2, SecondChannels), w = W, bias = Bias;
        GridConv2d layer = Layer;
        double[] y = NumberArrays.Doubles(Before), magnitudes = new double[y.Length];
        for (int i = 0; i < y.Length; i++)
        {
            (int place, int output) = Math.DivRem(i, Outputs + Gap);
            if (output >= Outputs)
                continue; // what lies between the rows stays as it is
            double sum = bias[output], magnitude = Math.Abs(bias[output]) + 1;
            for (int k = 0; k < Channels * Taps; k++)
            {
                (int channel, int tap) = Math.DivRem(k, Taps);
                if (layer.Source(place, tap) is not { } token)
                    continue;
                float x = channel < FirstChannels
                    ? first[(token * (FirstChannels + Gap)) + channel]
                    : second[(token * (SecondChannels + Gap)) + channel - FirstChannels];
                double product = (double)w[(output * Channels * Taps) + k] * x;
                sum += product;
                magnitude += Math.Abs(product);
            }
            y[i] = Rectify ? Math.Max(0, sum) : sum;
            magnitudes[i] = magnitude;
        }
        return [Expectation.Within(y, magnitudes, ((Channels * Taps) + 3) * 6e-8)];
    }

    private protected override Action<GridConvKernel> CreateRun()
    {
        var parts = Own(new NativeBuffer<GridConvPart>(2));
        parts.Span[0] = Describe(1, FirstChannels);
        parts.Span[1] = Describe(2, SecondChannels);
        float* zeros = Input<float>(new float[Channels]).Pointer, target = Output(Before).Pointer;
        float[] matrix = new float[Outputs * Channels * Taps];
        GridPatches.PackWeights<float>(Layer, W, matrix);
        var packed = new Dictionary<GridConvKernel, PackedFloatWeights>();
        foreach (GridConvKernel kernel in GridConv.Table.Runnable)
            packed[kernel] = Own(new PackedFloatWeights(matrix, Bias, Outputs, Channels * Taps, kernel.Packing));
        int[] cuts = [0, .. Cuts, Places];
        return kernel =>
        {
            var call = new GridConvCall
            {
                Height = Height,
                Width = Width,
                OutWidth = Layer.OutWidth,
                KernelSize = KernelSize,
                Stride = Stride,
                Padding = Padding,
                Rectify = Rectify,
                Parts = parts.Pointer,
                PartCount = 2,
                Zeros = zeros,
                Weights = packed[kernel],
                Target = target,
                TargetStride = Outputs + Gap,
            };
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }

    private float[] Before => Sample.Floats(5, NumberArrays.PaddedLength(Places, Outputs + Gap, Outputs));

    private float[] Part(int seed, int channels) => Spoiled(
        Sample.Floats(seed, NumberArrays.PaddedLength(Height * Width, channels + Gap, channels)));

    private GridConvPart Describe(int seed, int channels) => new()
    {
        Source = Input<float>(Part(seed, channels)).Pointer,
        Stride = channels + Gap,
        Channels = channels,
    };
}
