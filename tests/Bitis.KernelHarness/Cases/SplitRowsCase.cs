using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding.Planes;

namespace Bitis.KernelHarness.Cases;

/// <summary>Rows to levels of two planes.</summary>
internal sealed unsafe record SplitRowsCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<SplitRowsCall>>(SplitRows.Table)
{
    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    private float[] X => Spoiled(Sample.Floats(Columns, Tokens * Columns));

    private float[] Factors => Sample.Floats(Columns + 1, Columns, 0.5f, 2f);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, factors = Factors, scales = new float[Tokens];
        byte[] high = new byte[x.Length], low = new byte[x.Length];
        for (int row = 0; row < Tokens; row++)
        {
            float[] values = [.. Enumerable.Range(0, Columns).Select(c => x[(row * Columns) + c] * factors[c])];
            (sbyte High, sbyte Low)[] levels = PlanesOfLevels.Split(values, out scales[row]);
            for (int c = 0; c < Columns; c++)
            {
                high[(row * Columns) + c] = (byte)(levels[c].High + SplitRows.ZeroPoint);
                low[(row * Columns) + c] = (byte)(levels[c].Low + SplitRows.ZeroPoint);
            }
        }
        return [Expectation.Exact(high), Expectation.Exact(low), Expectation.Exact(scales)];
    }

    private protected override Action<RangeKernel<SplitRowsCall>> CreateRun()
    {
        var call = new SplitRowsCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Columns = Columns,
            Factors = Input<float>(Factors).Pointer,
            High = Output<byte>(Tokens * Columns).Pointer,
            Low = Output<byte>(Tokens * Columns).Pointer,
            TargetStride = Columns,
            Scales = Output<float>(Tokens).Pointer,
        };
        return kernel => kernel.Run(in call, 0, Tokens);
    }
}
