using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>e^x, limited to the normal numbers: <see cref="ExpPolynomial{TLanes}"/>.</summary>
internal readonly struct ExpOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-exp";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => exp.Of(x);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => exp.Of(x);
}
