using Bitis.Execution.Compiled.Grids;
using Bitis.Graphs.Operators.Grids;
using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.KernelHarness.Cases;

/// <summary>The bilinear interpolation of a grid of tokens.</summary>
internal sealed unsafe record BilinearResizeCase(int Height, int Width, int OutHeight, int OutWidth, int Channels)
    : KernelCaseOfTable<RangeKernel<BilinearResizeCall>>(BilinearResize.Table)
{
    /// <summary>Whether the result is added to what the output holds.</summary>
    public bool Accumulate { get; init; }

    /// <summary>Where the rows are split into several calls.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => Accumulate ? "added" : "";

    internal override string Size => $"{Height}×{Width} to {OutHeight}×{OutWidth}, {Channels}";

    internal override double Work => (double)OutHeight * OutWidth * Channels;

    private float[] X => Spoiled(Sample.Floats(1, Height * Width * Channels));

    private float[] Before => Sample.Floats(2, OutHeight * OutWidth * Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        FloatTensor y = new GridResize(Height, Width, OutHeight, OutWidth).Forward(
            [FloatTensor.From([1, Height * Width, Channels], X)], []);
        float[] before = Before;
        return
        [
            Expectation.Near(
                [.. Enumerable.Range(0, y.Length).Select(i => y.Span[i] + (Accumulate ? (double)before[i] : 0))], 1e-6),
        ];
    }

    private protected override Action<RangeKernel<BilinearResizeCall>> CreateRun()
    {
        NativeBuffer<ResizeStep> rows = Own(ResizeSteps.Of(Height, OutHeight)),
            columns = Own(ResizeSteps.Of(Width, OutWidth));
        float* target = Output(Before).Pointer;
        var call = new BilinearResizeCall
        {
            Width = Width,
            OutWidth = OutWidth,
            Channels = Channels,
            Rows = rows.Pointer,
            Columns = columns.Pointer,
            Source = Input<float>(X).Pointer,
            SourceStride = Channels,
            Added = Accumulate ? target : null,
            AddedStride = Channels,
            Target = target,
            TargetStride = Channels,
        };
        int[] cuts = [0, .. Cuts, OutHeight];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }
}
