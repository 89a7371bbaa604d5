using Bitis.Graphs.Operators.Grids;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Grids;
using Bitis.Tensors;

namespace Bitis.KernelHarness.Cases;

/// <summary>The adaptive average pooling of a grid of tokens.</summary>
internal sealed unsafe record AveragePoolCase(int Height, int Width, int Bins, int Channels)
    : KernelCaseOfTable<RangeKernel<AveragePoolCall>>(AveragePool.Table)
{
    /// <summary>Where the bins are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Size => $"{Height}×{Width} to {Bins}×{Bins}, {Channels}";

    internal override double Work => (double)Height * Width * Channels;

    private float[] X => SpoiledForSums(Sample.Floats(1, Height * Width * Channels));

    internal override IReadOnlyList<Expectation> Expected()
    {
        FloatTensor y = new GridPool(Height, Width, Bins).Forward(
            [FloatTensor.From([1, Height * Width, Channels], X)], []);
        return [Expectation.Near([.. y.Span.ToArray().Select(value => (double)value)], 1e-6)];
    }

    private protected override Action<RangeKernel<AveragePoolCall>> CreateRun()
    {
        var call = new AveragePoolCall
        {
            Height = Height,
            Width = Width,
            Bins = Bins,
            Channels = Channels,
            Source = Input<float>(X).Pointer,
            SourceStride = Channels,
            Target = Output<float>(Bins * Bins * Channels).Pointer,
            TargetStride = Channels,
        };
        int[] cuts = [0, .. Cuts, Bins * Bins];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
