using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Cases;

/// <summary>Values to levels in the panels of an integer product: groups of four tokens in each column.</summary>
internal sealed unsafe record PackLevelsCase(int Tokens, int Columns)
    : KernelCaseOfTable<CallKernel<PackLevelsCall>>(PackLevels.Table)
{
    private const uint Key = 9;

    public LevelRounding Rounding { get; init; } = LevelRounding.Stochastic;

    /// <summary>The columns of a panel.</summary>
    public int PanelColumns { get; init; } = 64;

    /// <summary>What the number of columns is padded to a multiple of.</summary>
    public int ColumnMultiple { get; init; } = 16;

    /// <summary>What is added to each level.</summary>
    public int ZeroPoint { get; init; }

    /// <summary>Whether each column has a center.</summary>
    public bool HasCenters { get; init; }

    /// <summary>Whether the levels of each column are summed.</summary>
    public bool HasSums { get; init; } = true;

    internal override string Variant => Rounding.ToString().ToLowerInvariant() + (HasCenters ? ", centers" : "")
        + (Rounding == LevelRounding.Stochastic && HasSums ? ", sums" : "");

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    private bool WritesSums => HasSums && Rounding != LevelRounding.Logarithmic;

    private int MaxLevel => Rounding == LevelRounding.Logarithmic ? 64 : 7;

    private int Groups => (Tokens + 3) / 4;

    private int PaddedColumns => (Columns + ColumnMultiple - 1) / ColumnMultiple * ColumnMultiple;

    private float[] X => Spoiled(Sample.Floats(Tokens, Tokens * Columns));

    private float[]? Centers => HasCenters ? Sample.Floats(Columns, Columns) : null;

    private float[] InverseScales => [.. Enumerable.Range(0, Columns).Select(InverseScale)];

    internal override IReadOnlyList<Expectation> Expected()
    {
        (byte[] panels, int[] sums) = CreatePanels().Pack(
            X, Tokens, Columns, InverseScales, Centers);
        return WritesSums ? [Expectation.Exact(panels), Expectation.Exact(sums)] : [Expectation.Exact(panels)];
    }

    private LevelPanels CreatePanels() => new(PanelColumns, PaddedColumns, MaxLevel, Rounding, ZeroPoint, Key);

    private float InverseScale(int column) =>
        !HasExtremes ? (HasCenters ? MaxLevel / 2f : MaxLevel) : column % 5 == 0 ? 0f : column % 7 == 0 ? 1e30f : 7f;

    private protected override Action<CallKernel<PackLevelsCall>> CreateRun()
    {
        var call = new PackLevelsCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Rows = Tokens,
            Columns = Columns,
            Groups = Groups,
            Target = Output<byte>(Groups * 4 * PaddedColumns).Pointer,
            PanelColumns = PanelColumns,
            PaddedColumns = PaddedColumns,
            Centers = Centers is { } centers ? Input<float>(centers).Pointer : null,
            InverseScales = Input<float>(InverseScales).Pointer,
            MaxLevel = MaxLevel,
            Rounding = Rounding,
            Key = Key,
            ZeroPoint = ZeroPoint,
            ColumnSums = WritesSums ? Output<int>(Columns).Pointer : null,
        };
        return kernel => kernel.Run(in call);
    }
}
