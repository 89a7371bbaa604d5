using Bitis.Graphs.Operators.Grids;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Grids;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of the adaptive average pooling of a grid of tokens.</summary>
internal sealed unsafe record AveragePoolGradientCase(int Height, int Width, int Bins, int Channels)
    : KernelCaseOfTable<RangeKernel<AveragePoolGradientCall>>(AveragePoolGradient.Table)
{
    /// <summary>Whether the result is added to what the output holds.</summary>
    public bool Accumulate { get; init; }

    /// <summary>Where the rows are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => Accumulate ? "added" : "";

    internal override string Size => $"{Height}×{Width} to {Bins}×{Bins}, {Channels}";

    internal override double Work => (double)Height * Width * Channels;

    private float[] Y => SpoiledForSums(Sample.Floats(1, Bins * Bins * Channels));

    private float[] Before => Sample.Floats(2, Height * Width * Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] sums = Accumulate
            ? Array.ConvertAll(Before, value => (double)value)
            : new double[Height * Width * Channels];
        var pool = new GridPool(Height, Width, Bins);
        float[] y = Y;
        for (int bin = 0; bin < Bins * Bins; bin++)
        {
            (int top, int bottom) = pool.Range(bin / Bins, Height);
            (int left, int right) = pool.Range(bin % Bins, Width);
            for (int token = 0; token < Height * Width; token++)
            {
                if (token / Width < top || token / Width >= bottom || token % Width < left || token % Width >= right)
                    continue;
                for (int c = 0; c < Channels; c++)
                    sums[(token * Channels) + c] += (double)y[(bin * Channels) + c] / ((bottom - top) * (right - left));
            }
        }
        return [Expectation.Near(sums, 1e-6)];
    }

    private protected override Action<RangeKernel<AveragePoolGradientCall>> CreateRun()
    {
        var call = new AveragePoolGradientCall
        {
            Height = Height,
            Width = Width,
            Bins = Bins,
            Channels = Channels,
            Accumulate = Accumulate,
            Output = Input<float>(Y).Pointer,
            OutputStride = Channels,
            Source = Output(Before).Pointer,
            SourceStride = Channels,
        };
        int[] cuts = [0, .. Cuts, Height];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
