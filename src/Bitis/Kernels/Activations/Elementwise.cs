using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>Functions of one value over contiguous arrays: one table for each function, one loop for all.</summary>
internal static unsafe class Elementwise
{
    /// <summary>e^x.</summary>
    public static KernelTable<ElementwiseKernel> Exp { get; } = Forms<ExpOperator>();

    /// <summary>x / (1 + e^−x).</summary>
    public static KernelTable<ElementwiseKernel> Silu { get; } = Forms<SiluOperator>();

    /// <summary>ln(1 + e^x).</summary>
    public static KernelTable<ElementwiseKernel> Softplus { get; } = Forms<SoftplusOperator>();

    /// <summary>x/2·(1 + erf(x/√2)).</summary>
    public static KernelTable<ElementwiseKernel> Gelu { get; } = Forms<GeluOperator>();

    /// <summary>1 / (1 + e^−x).</summary>
    public static KernelTable<ElementwiseKernel> Sigmoid { get; } = Forms<SigmoidOperator>();

    /// <summary>max(x, 0).</summary>
    public static KernelTable<ElementwiseKernel> Relu { get; } = Forms<ReluOperator>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(
        static () => [.. Exp.Rows, .. Silu.Rows, .. Softplus.Rows, .. Gelu.Rows, .. Sigmoid.Rows, .. Relu.Rows]);

    private static KernelTable<ElementwiseKernel> Forms<TOperator>()
        where TOperator : struct, IElementwiseOperator =>
        KernelTable<ElementwiseKernel>.ForLanes<Operation<TOperator>>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TOperator, TLanes>(float* source, float* target, nint count)
        where TOperator : struct, IElementwiseOperator
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        var scalar = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TOperator.Invoke(TLanes.Load(source + i), in exp), target + i);
        for (; i < count; i++)
            Lane1.Store(TOperator.Invoke(Lane1.Load(source + i), in scalar), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<TOperator, TLanes>(float* x, float* y, float* xGradient, nint count)
        where TOperator : struct, IElementwiseOperator
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        var scalar = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TLanes.Load(y + i) * TOperator.Slope(TLanes.Load(x + i), in exp), xGradient + i);
        for (; i < count; i++)
            Lane1.Store(Lane1.Load(y + i) * TOperator.Slope(Lane1.Load(x + i), in scalar), xGradient + i);
    }

    private readonly struct Operation<TOperator> : ILanesOperation<ElementwiseKernel>
        where TOperator : struct, IElementwiseOperator
    {
        public static ElementwiseKernel Form<TLanes>(InstructionSet instructionSet)
            where TLanes : struct, ILanes<TLanes> => new(
            TOperator.Operation, instructionSet, &Apply<TOperator, TLanes>, &Backward<TOperator, TLanes>);
    }
}
