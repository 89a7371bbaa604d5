using Bitis.Graphs.Operators;
using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;

namespace Bitis.KernelHarness.Cases;

/// <summary>The depthwise convolution over a grid of tokens, with SiLU, and with copies in two other orders.</summary>
/// <remarks>The copies are by column, and in an order that leaves rows out.</remarks>
internal sealed unsafe record DepthwiseConvCase(int Height, int Width, int KernelSize, int Channels)
    : KernelCaseOfTable<RangeKernel<DepthwiseConvCall>>(DepthwiseConv.Table)
{
    private const int CopyCount = 2;

    /// <summary>Whether input and weights are integers, which are summed exactly and scaled by channel.</summary>
    public bool IsInteger { get; init; }

    /// <summary>Where the channels are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => IsInteger ? "of levels" : "";

    internal override string Size => $"{Height}×{Width}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    private int Tokens => Height * Width;

    private int Taps => KernelSize * KernelSize;

    private float[] X => Spoiled(IsInteger
        ? Sample.Levels(1, Tokens * Channels, -200, 255)
        : Sample.Floats(1, Tokens * Channels));

    private float[] W => IsInteger ? Sample.Levels(2, Taps * Channels, -127, 127) : Sample.Floats(2, Taps * Channels);

    private float[] Scales => Sample.Floats(4, Channels, 1e-4f, 1e-3f);

    private float[] Bias => Sample.Floats(3, Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] sums = Sums();
        float[] scales = Scales, bias = Bias;
        if (IsInteger)
        {
            var values = new float[sums.Length];
            for (int i = 0; i < values.Length; i++)
            {
                float product = (float)sums[i] * scales[i % Channels];
                values[i] = product + bias[i % Channels];
            }
            float[] exact = Sample.Silu(values);
            return [.. Orders(exact).Select(Expectation.Exact)];
        }
        double[] y = [.. sums.Select((sum, i) => ExactActivations.Silu(sum + bias[i % Channels]))];
        return [.. Orders(y).Select(values => Expectation.Near(values, 5e-6))];
    }

    /// <summary>The output by row, by column, and in every second row of memory.</summary>
    private T[][] Orders<T>(T[] y)
    {
        T[] columns = new T[y.Length], spread = new T[2 * y.Length];
        for (int i = 0; i < y.Length; i++)
        {
            int token = i / Channels, channel = i % Channels;
            columns[(ColumnRow(token) * Channels) + channel] = y[i];
            spread[(SpreadRow(token) * Channels) + channel] = y[i];
        }
        return [y, columns, spread];
    }

    private int ColumnRow(int token) => (token % Width * Height) + (token / Width);

    private static int SpreadRow(int token) => (2 * token) + 1;

    private double[] Sums()
    {
        float[] x = X, w = W;
        var layer = new DepthwiseConv2d(Channels, Height, Width, KernelSize, HasBias: true);
        var sums = new double[x.Length];
        for (int i = 0; i < sums.Length; i++)
        {
            for (int tap = 0; tap < Taps; tap++)
            {
                if (layer.Source(i / Channels, tap) is { } source)
                    sums[i] += (double)w[(i % Channels * Taps) + tap] * x[(source * Channels) + (i % Channels)];
            }
        }
        return sums;
    }

    private protected override Action<RangeKernel<DepthwiseConvCall>> CreateRun()
    {
        var weights = new float[Taps * Channels];
        CausalConv.PackWeights(W, weights, Channels, Taps);
        var call = new DepthwiseConvCall
        {
            Height = Height,
            Width = Width,
            KernelSize = KernelSize,
            Source = Input<float>(X).Pointer,
            SourceStride = Channels,
            Weights = Input<float>(weights).Pointer,
            WeightStride = Channels,
            Scales = IsInteger ? Input<float>(Scales).Pointer : null,
            Bias = Input<float>(Bias).Pointer,
            Target = Output<float>(Tokens * Channels).Pointer,
            TargetStride = Channels,
            Copies = CreateCopies(),
            CopyCount = CopyCount,
        };
        int[] cuts = [0, .. Cuts, Channels];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }

    private DepthwiseConvCopy* CreateCopies()
    {
        NativeBuffer<DepthwiseConvCopy> copies = Own(new NativeBuffer<DepthwiseConvCopy>(CopyCount));
        int[] tokens = [.. Enumerable.Range(0, Tokens)];
        copies.Span[0] = new DepthwiseConvCopy
        {
            Target = Output<float>(Tokens * Channels).Pointer,
            Offsets = Input<int>([.. tokens.Select(token => ColumnRow(token) * Channels)]).Pointer,
        };
        copies.Span[1] = new DepthwiseConvCopy
        {
            Target = Output<float>(2 * Tokens * Channels).Pointer,
            Offsets = Input<int>([.. tokens.Select(token => SpreadRow(token) * Channels)]).Pointer,
        };
        return copies.Pointer;
    }
}
