using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Normalization;

/// <summary>The backward pass of <see cref="GroupNormalization"/>.</summary>
/// <remarks>
/// With x̂ = (x − μ)·r, ȳ = ∂L/∂y, and means over a group's columns and all rows:
/// <code>
/// x̄ = r·(ȳ·w − mean(ȳ·w) − x̂·mean(ȳ·w·x̂))        w̄ = Σ_rows ȳ·x̂        b̄ = Σ_rows ȳ
/// </code>
/// </remarks>
internal abstract unsafe class GroupNormalizationGradient : ILanesOperation<CallKernel<GroupNormalizationGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<GroupNormalizationGradientCall>> Table { get; } =
        KernelTable<CallKernel<GroupNormalizationGradientCall>>.ForLanes<GroupNormalizationGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<GroupNormalizationGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-groupnorm-gradient", instructionSet, &Run<TLanes>);

    /// <summary>Computes all gradients of an image.</summary>
    public static void Run(in GroupNormalizationGradientCall call) => Table.Best.Run(in call);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in GroupNormalizationGradientCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Forward.Columns, i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
            Sum<TLanes>(in call, i);
        for (; i < columns; i++)
            Sum<Lane1>(in call, i);
        Average(in call);
        for (i = 0; i + TLanes.Count <= columns; i += TLanes.Count)
            Finish<TLanes>(in call, i);
        for (; i < columns; i++)
            Finish<Lane1>(in call, i);
    }

    /// <summary>Σȳ and Σȳ·x̂ of each column, which are its parameters' gradients, too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum<TLanes>(in GroupNormalizationGradientCall call, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Forward.Columns;
        TLanes mean = TLanes.Load(call.Forward.Statistics + column), plain = TLanes.Create(0f), product = plain;
        TLanes otherPlain = plain, otherProduct = plain;
        nint xStride = call.Forward.SourceStride, yStride = call.Gradients.OutputStride;
        float* x = call.Forward.Source + column, y = call.Gradients.Output + column;
        int row = 0;
        for (; row + 2 <= call.Forward.Rows; row += 2, x += 2 * xStride, y += 2 * yStride)
        {
            TLanes first = TLanes.Load(y), second = TLanes.Load(y + yStride);
            plain += first;
            otherPlain += second;
            product = TLanes.MultiplyAdd(first, TLanes.Load(x) - mean, product);
            otherProduct = TLanes.MultiplyAdd(second, TLanes.Load(x + xStride) - mean, otherProduct);
        }
        if (row < call.Forward.Rows)
        {
            TLanes last = TLanes.Load(y);
            plain += last;
            product = TLanes.MultiplyAdd(last, TLanes.Load(x) - mean, product);
        }
        plain += otherPlain;
        product = (product + otherProduct) * TLanes.Load(call.Forward.Statistics + columns + column);
        TLanes.Store(plain, call.Sums + column);
        TLanes.Store(product, call.Sums + columns + column);
        TLanes.Store(TLanes.Load(call.Gradients.Bias + column) + plain, call.Gradients.Bias + column);
        TLanes.Store(TLanes.Load(call.Gradients.Weight + column) + product, call.Gradients.Weight + column);
    }

    /// <summary>Gives each column the means of its group, mean(ȳ·w) and mean(ȳ·w·x̂).</summary>
    private static void Average(in GroupNormalizationGradientCall call)
    {
        int columns = call.Forward.Columns, width = columns / call.Forward.Groups;
        float share = 1f / ((float)width * call.Forward.Rows);
        for (int first = 0; first < columns; first += width)
        {
            float plain = 0, product = 0;
            for (int i = first; i < first + width; i++)
            {
                plain += call.Sums[i] * call.Forward.Weight[i];
                product += call.Sums[columns + i] * call.Forward.Weight[i];
            }
            new Span<float>(call.Sums + first, width).Fill(plain * share);
            new Span<float>(call.Sums + columns + first, width).Fill(product * share);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TLanes>(in GroupNormalizationGradientCall call, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Forward.Columns;
        TLanes mean = TLanes.Load(call.Forward.Statistics + column);
        TLanes inverse = TLanes.Load(call.Forward.Statistics + columns + column);
        TLanes factor = TLanes.Load(call.Forward.Weight + column) * inverse;
        TLanes offset = TLanes.Load(call.Sums + column) * inverse;
        TLanes slope = TLanes.Load(call.Sums + columns + column) * inverse * inverse;
        float* x = call.Forward.Source + column, y = call.Gradients.Output + column;
        float* target = call.Gradients.Source + column;
        for (int row = 0; row < call.Forward.Rows; row++)
        {
            TLanes gradient = (TLanes.Load(y) * factor) - offset - ((TLanes.Load(x) - mean) * slope);
            TLanes.Store(call.Gradients.AccumulateSource ? TLanes.Load(target) + gradient : gradient, target);
            x += call.Forward.SourceStride;
            y += call.Gradients.OutputStride;
            target += call.Gradients.SourceStride;
        }
    }
}
