using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>1 / (1 + e^−x): <see cref="VectorMath.Sigmoid"/>.</summary>
internal readonly struct SigmoidOperator : IElementwiseOperator
{
    /// <inheritdoc />
    public static string Operation => "f32-sigmoid";

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes> => VectorMath.Sigmoid(x, in exp);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes sigmoid = VectorMath.Sigmoid(x, in exp);
        return sigmoid * (exp.One - sigmoid);
    }
}
