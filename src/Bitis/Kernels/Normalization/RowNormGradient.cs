using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Normalization;

/// <summary>The backward pass of <see cref="RowNorm"/>.</summary>
/// <remarks>
/// With r = 1 / sqrt(mean((x − μ)²) + ε), x̂ = (x − μ)·r and ȳ = ∂L/∂y:
/// <code>
/// x̄ = r·(ȳ·w − [mean(ȳ·w)] − x̂·mean(ȳ·w·x̂))        w̄ = Σ_rows ȳ·x̂        b̄ = Σ_rows ȳ
/// </code>
/// The term in brackets belongs to LayerNorm alone.
/// </remarks>
internal abstract unsafe class RowNormGradient : ILanesOperation<RangeKernel<RowNormGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<RowNormGradientCall>> Table { get; } =
        KernelTable<RangeKernel<RowNormGradientCall>>.ForLanes<RowNormGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<RowNormGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-rownorm-gradient", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Computes the gradients of the rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.
    /// </summary>
    /// <remarks>Those of parameters are sums over rows, so only one thread at a time may add to them.</remarks>
    public static void Run(in RowNormGradientCall call, int rowStart, int rowEnd) =>
        Table.Best.Run(in call, rowStart, rowEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in RowNormGradientCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            float* x = call.Forward.Source + (row * call.Forward.SourceStride);
            float* y = call.Gradients.Output + (row * call.Gradients.OutputStride);
            RunRow<TLanes>(in call, x, y, call.Gradients.Source + (row * call.Gradients.SourceStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunRow<TLanes>(in RowNormGradientCall call, float* x, float* y, float* target)
        where TLanes : struct, ILanes<TLanes>
    {
        int columns = call.Forward.Columns;
        float* weight = call.Forward.Weight;
        float mean = 0f;
        if (call.Forward.Center)
        {
            TLanes sum = TLanes.Create(0f);
            int c = 0;
            for (; c + TLanes.Count <= columns; c += TLanes.Count)
                sum += TLanes.Load(x + c);
            mean = TLanes.Sum(sum);
            for (; c < columns; c++)
                mean += x[c];
            mean /= columns;
        }

        // Σ(x − μ)², Σȳ·w and Σȳ·w·(x − μ) in one pass.
        TLanes squares = TLanes.Create(0f), plain = squares, product = squares;
        int i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
        {
            TLanes centered = TLanes.Load(x + i) - TLanes.Create(mean);
            TLanes gradient = TLanes.Load(y + i) * TLanes.Load(weight + i);
            squares = TLanes.MultiplyAdd(centered, centered, squares);
            plain += gradient;
            product = TLanes.MultiplyAdd(gradient, centered, product);
        }
        float squareSum = TLanes.Sum(squares), plainSum = TLanes.Sum(plain), productSum = TLanes.Sum(product);
        for (; i < columns; i++)
        {
            float centered = x[i] - mean, gradient = y[i] * weight[i];
            squareSum += centered * centered;
            plainSum += gradient;
            productSum += gradient * centered;
        }
        float scale = 1f / MathF.Sqrt((squareSum / columns) + call.Forward.Epsilon);
        float offset = call.Forward.Center ? plainSum / columns : 0f;
        float slope = productSum * scale / columns;

        i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
            Finish<TLanes>(in call, x, y, target, i, mean, scale, offset, slope);
        for (; i < columns; i++)
            Finish<Lane1>(in call, x, y, target, i, mean, scale, offset, slope);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TLanes>(
        in RowNormGradientCall call,
        float* x,
        float* y,
        float* target,
        int i,
        float mean,
        float scale,
        float offset,
        float slope)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes normalized = (TLanes.Load(x + i) - TLanes.Create(mean)) * TLanes.Create(scale);
        TLanes gradient = TLanes.Load(y + i);
        TLanes.Store(
            TLanes.MultiplyAdd(gradient, normalized, TLanes.Load(call.Gradients.Weight + i)),
            call.Gradients.Weight + i);
        if (call.Forward.Bias is not null)
            TLanes.Store(TLanes.Load(call.Gradients.Bias + i) + gradient, call.Gradients.Bias + i);
        TLanes weighted = gradient * TLanes.Load(call.Forward.Weight + i);
        TLanes source = weighted - TLanes.Create(offset) - (normalized * TLanes.Create(slope));
        source *= TLanes.Create(scale);
        TLanes.Store(call.Gradients.AccumulateSource ? TLanes.Load(target + i) + source : source, target + i);
    }
}
