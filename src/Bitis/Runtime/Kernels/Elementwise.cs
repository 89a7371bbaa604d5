using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

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

    private static KernelTable<ElementwiseKernel> Forms<TOperator>()
        where TOperator : struct, IElementwiseOperator => new(
        new(TOperator.Operation, InstructionSet.Avx512, &Apply<TOperator, Lanes512>),
        new(TOperator.Operation, InstructionSet.Avx2, &Apply<TOperator, Lanes256>),
        new(TOperator.Operation, InstructionSet.Portable, &ApplyPortable<TOperator>));

    private static void ApplyPortable<TOperator>(float* source, float* target, nint count)
        where TOperator : struct, IElementwiseOperator
    {
        if (Vector128.IsHardwareAccelerated)
            Apply<TOperator, Lanes128>(source, target, count);
        else
            Apply<TOperator, Lane1>(source, target, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TOperator, TLanes>(float* source, float* target, nint count)
        where TOperator : struct, IElementwiseOperator
        where TLanes : struct, ILanes<TLanes>
    {
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TOperator.Invoke(TLanes.Load(source + i)), target + i);
        for (; i < count; i++)
            Lane1.Store(TOperator.Invoke(Lane1.Load(source + i)), target + i);
    }
}
