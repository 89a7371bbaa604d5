using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>x/2·(1 + erf(x/√2)): <see cref="VectorMath.Gelu"/>.</summary>
internal readonly struct GeluOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-gelu";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.Gelu(x);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.GeluSlope(x, in exp);
}
