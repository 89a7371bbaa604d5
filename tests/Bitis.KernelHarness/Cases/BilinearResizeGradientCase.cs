using Bitis.Execution.Compiled.Grids;
using Bitis.Graphs.Operators.Grids;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of a bilinear interpolation of a grid of tokens.</summary>
internal sealed unsafe record BilinearResizeGradientCase(
    int Height, int Width, int OutHeight, int OutWidth, int Channels)
    : KernelCaseOfTable<RangeKernel<BilinearResizeGradientCall>>(BilinearResizeGradient.Table)
{
    /// <summary>Where the rows are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Size => $"{Height}×{Width} to {OutHeight}×{OutWidth}, {Channels}";

    internal override double Work => (double)OutHeight * OutWidth * Channels;

    private float[] Y => SpoiledForSums(Sample.Floats(1, OutHeight * OutWidth * Channels));

    private float[] Before => Sample.Floats(2, Height * Width * Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] sums = Array.ConvertAll(Before, value => (double)value);
        float[] y = Y;
        for (int place = 0; place < OutHeight * OutWidth; place++)
        {
            (int top, int bottom, double low) = GridResize.Source(place / OutWidth, Height, OutHeight);
            (int left, int right, double far) = GridResize.Source(place % OutWidth, Width, OutWidth);
            for (int c = 0; c < Channels; c++)
            {
                double value = y[(place * Channels) + c];
                Add(top, left, c, (1 - low) * (1 - far) * value);
                Add(top, right, c, (1 - low) * far * value);
                Add(bottom, left, c, low * (1 - far) * value);
                Add(bottom, right, c, low * far * value);
            }
        }
        return [Expectation.Near(sums, 1e-6)];

        void Add(int row, int column, int channel, double value) =>
            sums[(((row * Width) + column) * Channels) + channel] += value;
    }

    private protected override Action<RangeKernel<BilinearResizeGradientCall>> CreateRun()
    {
        NativeBuffer<ResizeStep> rows = Own(ResizeSteps.Of(Height, OutHeight)),
            columns = Own(ResizeSteps.Of(Width, OutWidth));
        var call = new BilinearResizeGradientCall
        {
            Width = Width,
            OutWidth = OutWidth,
            Channels = Channels,
            Rows = rows.Pointer,
            Columns = columns.Pointer,
            Output = Input<float>(Y).Pointer,
            OutputStride = Channels,
            Source = Output(Before).Pointer,
            SourceStride = Channels,
        };
        int[] cuts = [0, .. Cuts, OutHeight];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
