using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>ln(1 + e^x): <see cref="VectorMath.Softplus"/>.</summary>
internal readonly struct SoftplusOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-softplus";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.Softplus(x, in exp);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.Sigmoid(x, in exp);
}
