using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Normalization;

/// <summary>
/// Group normalization of an image's tokens, <c>[rows, columns]</c>: each group of neighbouring columns over all rows.
/// </summary>
/// <remarks>
/// <code>
/// y = (x − μ)·r·weight + bias          μ = mean(x), r = 1 / sqrt(mean((x − μ)²) + ε) of a group
/// </code>
/// Each column has a sum of its own, four rows side by side. A group's columns are added in their order. So all forms
/// give the same bits.
/// </remarks>
internal abstract unsafe class GroupNormalization : ILanesOperation<CallKernel<GroupNormalizationCall>>
{
    private const int Chains = 4;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<GroupNormalizationCall>> Table { get; } =
        KernelTable<CallKernel<GroupNormalizationCall>>.ForLanes<GroupNormalization>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<GroupNormalizationCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-groupnorm", instructionSet, &Run<TLanes>);

    /// <summary>Normalizes an image.</summary>
    public static void Run(in GroupNormalizationCall call) => Table.Best.Run(in call);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in GroupNormalizationCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        float* means = call.Statistics, inverses = call.Statistics + call.Columns;
        new Span<float>(means, call.Columns).Clear();
        Sum<TLanes, Off>(in call, inverses);
        Average(in call, inverses, means);
        Sum<TLanes, On>(in call, inverses);
        Average(in call, inverses, inverses);
        for (int i = 0; i < call.Columns; i++)
            inverses[i] = 1f / MathF.Sqrt(inverses[i] + call.Epsilon);
        int column = 0;
        for (; column + TLanes.Count <= call.Columns; column += TLanes.Count)
            Normalize<TLanes>(in call, column);
        for (; column < call.Columns; column++)
            Normalize<Lane1>(in call, column);
    }

    /// <summary>The sum of each column, or of the squares of its distances from the mean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum<TLanes, TSquares>(in GroupNormalizationCall call, float* sums)
        where TLanes : struct, ILanes<TLanes>
        where TSquares : struct, ISwitch
    {
        int column = 0;
        for (; column + TLanes.Count <= call.Columns; column += TLanes.Count)
            SumColumns<TLanes, TSquares>(in call, column, sums);
        for (; column < call.Columns; column++)
            SumColumns<Lane1, TSquares>(in call, column, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumColumns<TLanes, TSquares>(in GroupNormalizationCall call, int column, float* sums)
        where TLanes : struct, ILanes<TLanes>
        where TSquares : struct, ISwitch
    {
        nint stride = call.SourceStride;
        float* x = call.Source + column;
        TLanes center = TLanes.Load(call.Statistics + column), s0 = TLanes.Create(0f), s1 = s0, s2 = s0, s3 = s0;
        int row = 0;
        for (; row + Chains <= call.Rows; row += Chains, x += Chains * stride)
        {
            s0 = Add<TLanes, TSquares>(s0, x, center);
            s1 = Add<TLanes, TSquares>(s1, x + stride, center);
            s2 = Add<TLanes, TSquares>(s2, x + (2 * stride), center);
            s3 = Add<TLanes, TSquares>(s3, x + (3 * stride), center);
        }
        for (; row < call.Rows; row++, x += stride)
            s0 = Add<TLanes, TSquares>(s0, x, center);
        TLanes.Store(s0 + s1 + (s2 + s3), sums + column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Add<TLanes, TSquares>(TLanes sum, float* x, TLanes center)
        where TLanes : struct, ILanes<TLanes>
        where TSquares : struct, ISwitch
    {
        if (!TSquares.IsOn)
            return sum + TLanes.Load(x);
        TLanes distance = TLanes.Load(x) - center;
        return TLanes.MultiplyAdd(distance, distance, sum);
    }

    /// <summary>Gives each column the mean of its group.</summary>
    private static void Average(in GroupNormalizationCall call, float* sums, float* averages)
    {
        int width = call.Columns / call.Groups;
        for (int first = 0; first < call.Columns; first += width)
        {
            float sum = 0;
            for (int i = first; i < first + width; i++)
                sum += sums[i];
            new Span<float>(averages + first, width).Fill(sum / ((float)width * call.Rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize<TLanes>(in GroupNormalizationCall call, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes mean = TLanes.Load(call.Statistics + column), bias = TLanes.Load(call.Bias + column);
        TLanes factor = TLanes.Load(call.Statistics + call.Columns + column) * TLanes.Load(call.Weight + column);
        float* x = call.Source + column, y = call.Target + column;
        for (int row = 0; row < call.Rows; row++, x += call.SourceStride, y += call.TargetStride)
            TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(x) - mean, factor, bias), y);
    }
}
