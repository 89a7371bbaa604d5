using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Normalization;

/// <summary>
/// The mean over rows of their layer normalization, without the normalized rows:
/// <code>
/// y = weight·mean_rows((x − μ) / sqrt(mean((x − μ)²) + ε)) + bias          μ = mean(x) of a row
/// </code>
/// Rows are added up in their order.
/// </summary>
internal abstract unsafe class MeanOfRowNorms : ILanesOperation<CallKernel<MeanOfRowNormsCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<MeanOfRowNormsCall>> Table { get; } =
        KernelTable<CallKernel<MeanOfRowNormsCall>>.ForLanes<MeanOfRowNorms>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<MeanOfRowNormsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-meanofrownorms", instructionSet, &Run<TLanes>);

    /// <summary>Computes the mean of all rows.</summary>
    public static void Run(in MeanOfRowNormsCall call) => Table.Best.Run(in call);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in MeanOfRowNormsCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Columns;
        float* sum = call.Mean;
        new Span<float>(sum, columns).Clear();
        for (int row = 0; row < call.Rows; row++)
        {
            float* x = call.Source + ((call.RowMap is null ? row : call.RowMap[row]) * call.SourceStride);
            float mean = Sum<TLanes, Off>(x, columns, 0f) / columns;
            float scale = 1f / MathF.Sqrt((Sum<TLanes, On>(x, columns, mean) / columns) + call.Epsilon);
            TLanes means = TLanes.Create(mean), scales = TLanes.Create(scale);
            int i = 0;
            for (; i + TLanes.Count <= columns; i += TLanes.Count)
                TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(x + i) - means, scales, TLanes.Load(sum + i)), sum + i);
            for (; i < columns; i++)
                sum[i] += (x[i] - mean) * scale;
        }
        float share = 1f / call.Rows;
        for (int i = 0; i < columns; i++)
            sum[i] = (sum[i] * share * call.Weight[i]) + call.Bias[i];
    }

    /// <summary>The sum of a row, or of the squares of its distances from a value.</summary>
    /// <remarks>There are four sums side by side, as each addition waits for the one before it in its sum.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum<TLanes, TSquares>(float* x, int count, float center)
        where TLanes : struct, ILanes<TLanes>
        where TSquares : struct, ISwitch
    {
        TLanes c = TLanes.Create(center), s0 = TLanes.Create(0f), s1 = s0, s2 = s0, s3 = s0;
        int i = 0, width = TLanes.Count;
        for (; i + (4 * width) <= count; i += 4 * width)
        {
            s0 = Add<TLanes, TSquares>(s0, x + i, c);
            s1 = Add<TLanes, TSquares>(s1, x + i + width, c);
            s2 = Add<TLanes, TSquares>(s2, x + i + (2 * width), c);
            s3 = Add<TLanes, TSquares>(s3, x + i + (3 * width), c);
        }
        for (; i + width <= count; i += width)
            s0 = Add<TLanes, TSquares>(s0, x + i, c);
        float sum = TLanes.Sum(s0 + s1 + (s2 + s3));
        for (; i < count; i++)
            sum += TSquares.IsOn ? (x[i] - center) * (x[i] - center) : x[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Add<TLanes, TSquares>(TLanes sum, float* x, TLanes center)
        where TLanes : struct, ILanes<TLanes>
        where TSquares : struct, ISwitch
    {
        TLanes value = TLanes.Load(x);
        if (!TSquares.IsOn)
            return sum + value;
        value -= center;
        return TLanes.MultiplyAdd(value, value, sum);
    }
}
