using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Normalization;

/// <summary>RMSNorm and LayerNorm with the residual addition before them.</summary>
/// <remarks>
/// <code>
/// v = residual = residual + x                                  or v = x without a residual stream
/// y = (v − μ) / sqrt(mean((v − μ)²) + ε)·weight + bias          μ = mean(v) for LayerNorm, 0 for RMSNorm
/// </code>
/// The order of a row's sums depends only on its length and on the form, so results do not depend on the split of rows.
/// </remarks>
internal abstract unsafe class RowNorm : ILanesOperation<RangeKernel<RowNormCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<RowNormCall>> Table { get; } =
        KernelTable<RangeKernel<RowNormCall>>.ForLanes<RowNorm>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<RowNormCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-rownorm", instructionSet, &Run<TLanes>);

    /// <summary>Normalizes the rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in RowNormCall call, int rowStart, int rowEnd) => Table.Best.Run(in call, rowStart, rowEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in RowNormCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Columns;
        for (int row = rowStart; row < rowEnd; row++)
        {
            float* values = call.Source + (row * call.SourceStride);
            if (call.Residual is not null)
            {
                float* residual = call.Residual + (row * call.ResidualStride);
                AddTo<TLanes>(values, residual, columns, call.AccumulateResidual);
                values = residual;
            }
            float mean = call.Center ? Sum<TLanes>(values, columns) / columns : 0f;
            float meanSquare = SumOfSquares<TLanes>(values, columns, mean) / columns;
            float scale = 1f / MathF.Sqrt(meanSquare + call.Epsilon);
            float* target = call.Target + (row * call.TargetStride);
            int i = 0;
            for (; i + TLanes.Count <= columns; i += TLanes.Count)
                Normalize<TLanes>(in call, values, target, i, mean, scale);
            for (; i < columns; i++)
                Normalize<Lane1>(in call, values, target, i, mean, scale);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TLanes>(float* source, float* target, int count, bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
        {
            TLanes value = TLanes.Load(source + i);
            TLanes.Store(accumulate ? TLanes.Load(target + i) + value : value, target + i);
        }
        for (; i < count; i++)
            target[i] = accumulate ? target[i] + source[i] : source[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum<TLanes>(float* values, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes lanes = TLanes.Create(0f);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            lanes += TLanes.Load(values + i);
        float sum = TLanes.Sum(lanes);
        for (; i < count; i++)
            sum += values[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumOfSquares<TLanes>(float* values, int count, float mean)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes lanes = TLanes.Create(0f);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
        {
            TLanes value = TLanes.Load(values + i) - TLanes.Create(mean);
            lanes = TLanes.MultiplyAdd(value, value, lanes);
        }
        float sum = TLanes.Sum(lanes);
        for (; i < count; i++)
            sum += (values[i] - mean) * (values[i] - mean);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize<TLanes>(
        in RowNormCall call, float* values, float* target, int i, float mean, float scale)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes value = (TLanes.Load(values + i) - TLanes.Create(mean)) * TLanes.Create(scale);
        value *= TLanes.Load(call.Weight + i);
        TLanes.Store(call.Bias is null ? value : value + TLanes.Load(call.Bias + i), target + i);
    }
}
