using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>x / (1 + e^−x): <see cref="VectorMath.Silu"/>.</summary>
internal readonly struct SiluOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-silu";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.Silu(x, in exp);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.SiluSlope(x, in exp);
}
