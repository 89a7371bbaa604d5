using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>Quantizes a matrix whose rows an integer product sums over, and interleaves four rows at a time.</summary>
/// <remarks>
/// The dot product of <see cref="Int8Gemm"/> reads this form. Weights lie in panels of the kernel's width, an input in
/// one panel as wide as the matrix. All forms give the same bits.
/// </remarks>
internal abstract unsafe class PackLevels : ILanesOperation<CallKernel<PackLevelsCall>>
{
    private const int GroupRows = 4;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<PackLevelsCall>> Table { get; } =
        KernelTable<CallKernel<PackLevelsCall>>.ForLanes<PackLevels>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<PackLevelsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32s8-pack-levels", instructionSet, &Run<TLanes>);

    /// <summary>Quantizes and packs.</summary>
    public static void Run(in PackLevelsCall call) => Table.Best.Run(in call);

    private static void Run<TLanes>(in PackLevelsCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        if (call.Rounding == LevelRounding.Logarithmic)
            RunPowers(in call);
        else if (call.Rounding == LevelRounding.Nearest)
            Run<TLanes, Off, On>(in call);
        else if (call.ColumnSums is null)
            Run<TLanes, On, Off>(in call);
        else
            Run<TLanes, On, On>(in call);
    }

    // Column by column, so that a column's sums stay in a register. The last register of a panel overlaps the one
    // before if the columns do not fill it. Both write the same values.
    private static void Run<TLanes, TStochastic, TSums>(in PackLevelsCall call)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
        where TSums : struct, ISwitch
    {
        for (int panel = 0; panel < call.Columns; panel += call.PanelColumns)
        {
            int end = Math.Min(panel + call.PanelColumns, call.Columns);
            if (end - panel >= TLanes.Count)
                PackPanel<TLanes, TStochastic, TSums>(in call, panel, end);
            else
                PackPanel<Lane1, TStochastic, TSums>(in call, panel, end);
        }
    }

    private static void PackPanel<TLanes, TStochastic, TSums>(in PackLevelsCall call, int panel, int end)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
        where TSums : struct, ISwitch
    {
        for (int i = panel; i < end; i += TLanes.Count)
            PackColumns<TLanes, TStochastic, TSums>(in call, panel, Math.Min(i, end - TLanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackColumns<TLanes, TStochastic, TSums>(in PackLevelsCall call, int panel, int column)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
        where TSums : struct, ISwitch
    {
        int width = Width(in call, panel), rows = call.Rows, wholeGroups = rows / GroupRows;
        byte* target = Target(in call, panel, column);
        nint groupBytes = width * GroupRows, stride = call.SourceStride;
        float* source = call.Source + column;
        uint key = call.Key, counter = (uint)column, columns = (uint)call.Columns;
        sbyte maxLevel = (sbyte)call.MaxLevel;
        byte zeroPoint = (byte)call.ZeroPoint;
        TLanes inverse = TLanes.Load(call.InverseScales + column), sums = TLanes.Create(0f);
        TLanes largest = TLanes.Create((float)maxLevel);
        TLanes center = call.Centers is null ? TLanes.Create(0f) : TLanes.Load(call.Centers + column);
        for (int group = 0; group < wholeGroups; group++)
        {
            TLanes a = (TLanes.Load(source) - center) * inverse;
            TLanes b = (TLanes.Load(source + stride) - center) * inverse;
            TLanes c = (TLanes.Load(source + (2 * stride)) - center) * inverse;
            TLanes d = (TLanes.Load(source + (3 * stride)) - center) * inverse;
            StochasticRounding.Round<TLanes, TStochastic>(ref a, ref b, key, counter);
            StochasticRounding.Round<TLanes, TStochastic>(ref c, ref d, key, counter + (2 * columns));
            if (TSums.IsOn)
            {
                sums += Level<TLanes, TStochastic>(a, largest) + Level<TLanes, TStochastic>(b, largest)
                    + (Level<TLanes, TStochastic>(c, largest) + Level<TLanes, TStochastic>(d, largest));
            }
            TLanes.StoreLevels(a, b, c, d, maxLevel, zeroPoint, target);
            source += GroupRows * stride;
            counter += GroupRows * columns;
            target += groupBytes;
        }
        for (int group = wholeGroups; group < call.Groups; group++)
        {
            TLanes zero = TLanes.Create(0f), a = zero, b = zero, c = zero, unused = zero;
            int left = rows - (group * GroupRows);
            if (left > 0)
            {
                TLanes next = left > 1 ? (TLanes.Load(source + stride) - center) * inverse : zero;
                a = (TLanes.Load(source) - center) * inverse;
                StochasticRounding.Round<TLanes, TStochastic>(ref a, ref next, key, counter);
                b = left > 1 ? next : zero;
            }
            if (left > 2)
            {
                c = (TLanes.Load(source + (2 * stride)) - center) * inverse;
                StochasticRounding.Round<TLanes, TStochastic>(ref c, ref unused, key, counter + (2 * columns));
            }
            if (TSums.IsOn)
            {
                sums += Level<TLanes, TStochastic>(a, largest) + Level<TLanes, TStochastic>(b, largest)
                    + Level<TLanes, TStochastic>(c, largest);
            }
            TLanes.StoreLevels(a, b, c, zero, maxLevel, zeroPoint, target);
            target += groupBytes;
        }
        if (!TSums.IsOn)
            return;
        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(sums, lanes);
        for (int i = 0; i < TLanes.Count; i++)
            call.ColumnSums[column + i] = (int)lanes[i];
    }

    /// <summary>The level that is stored of a prepared value.</summary>
    /// <remarks>
    /// A value at the end of the range may be a bit beyond it after its division. A random number can carry it to the
    /// next integer.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Level<TLanes, TStochastic>(TLanes value, TLanes largest)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch => TStochastic.IsOn
            ? TLanes.Min(TLanes.Max(TLanes.Floor(value), TLanes.Create(0f) - largest), largest)
            : value;

    private static void RunPowers(in PackLevelsCall call)
    {
        for (int column = 0; column < call.Columns; column++)
        {
            int panel = column / call.PanelColumns * call.PanelColumns, width = Width(in call, panel);
            byte* target = Target(in call, panel, column);
            for (int row = 0; row < call.Groups * GroupRows; row++)
            {
                int level = row < call.Rows
                    ? (int)StochasticRounding.ToPower(
                        call.Source[(row * call.SourceStride) + column] * call.InverseScales[column],
                        call.Key,
                        (uint)((row * call.Columns) + column))
                    : 0;
                target[((nint)(row / GroupRows) * width * GroupRows) + (row % GroupRows)] =
                    (byte)(level + call.ZeroPoint);
            }
        }
    }

    private static int Width(in PackLevelsCall call, int panel) =>
        Math.Min(call.PanelColumns, call.PaddedColumns - panel);

    /// <summary>The address of a column's first group.</summary>
    private static byte* Target(in PackLevelsCall call, int panel, int column) =>
        call.Target + ((nint)panel * call.Groups * GroupRows) + ((column - panel) * GroupRows);
}
