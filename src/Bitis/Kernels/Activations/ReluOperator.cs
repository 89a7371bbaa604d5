using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>max(x, 0); its slope at 0 is 0.</summary>
internal readonly struct ReluOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-relu";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => TLanes.Max(TLanes.Create(0f), x);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => TLanes.Select(TLanes.PositiveBits(x), TLanes.Create(1f));
}
