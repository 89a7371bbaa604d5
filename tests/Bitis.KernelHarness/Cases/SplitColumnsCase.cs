using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding.Planes;

namespace Bitis.KernelHarness.Cases;

/// <summary>Columns to levels of two planes, in the panels of an integer product.</summary>
internal sealed unsafe record SplitColumnsCase(int Tokens, int Columns)
    : KernelCaseOfTable<CallKernel<SplitColumnsCall>>(SplitColumns.Table)
{
    /// <summary>The columns of a panel.</summary>
    public int PanelColumns { get; init; } = 64;

    /// <summary>What the number of columns is padded to a multiple of.</summary>
    public int ColumnMultiple { get; init; } = 16;

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    private int PaddedRows => (Tokens + 3) / 4 * 4;

    private int PaddedColumns => (Columns + ColumnMultiple - 1) / ColumnMultiple * ColumnMultiple;

    private float[] X => Spoiled(Sample.Floats(Tokens, Tokens * Columns));

    private float[] Factors => Sample.Floats(Tokens + 1, Tokens, 0.5f, 2f);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, factors = Factors, scales = new float[Columns];
        sbyte[] high = new sbyte[PaddedRows * PaddedColumns], low = new sbyte[high.Length];
        int[] highSums = new int[Columns], lowSums = new int[Columns];
        for (int c = 0; c < Columns; c++)
        {
            float[] values = [.. Enumerable.Range(0, Tokens).Select(row => x[(row * Columns) + c] * factors[row])];
            (sbyte High, sbyte Low)[] levels = PlanesOfLevels.Split(values, out scales[c]);
            int panel = c / PanelColumns * PanelColumns, width = Math.Min(PanelColumns, PaddedColumns - panel);
            for (int row = 0; row < Tokens; row++)
            {
                int place = (panel * PaddedRows) + (row / 4 * width * 4) + ((c - panel) * 4) + (row % 4);
                (high[place], low[place]) = levels[row];
                highSums[c] += levels[row].High;
                lowSums[c] += levels[row].Low;
            }
        }
        return
        [
            Expectation.Exact(high), Expectation.Exact(low), Expectation.Exact(highSums), Expectation.Exact(lowSums),
            Expectation.Exact(scales),
        ];
    }

    private protected override Action<CallKernel<SplitColumnsCall>> CreateRun()
    {
        var call = new SplitColumnsCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Rows = Tokens,
            Columns = Columns,
            Factors = Input<float>(Factors).Pointer,
            PanelColumns = PanelColumns,
            PaddedColumns = PaddedColumns,
            High = Output<sbyte>(PaddedRows * PaddedColumns).Pointer,
            Low = Output<sbyte>(PaddedRows * PaddedColumns).Pointer,
            HighSums = Output<int>(Columns).Pointer,
            LowSums = Output<int>(Columns).Pointer,
            Scales = Output<float>(Columns).Pointer,
        };
        return kernel => kernel.Run(in call);
    }
}
