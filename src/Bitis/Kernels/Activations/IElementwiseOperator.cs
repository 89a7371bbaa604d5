using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>
/// A function of one value, written once for every register width; <see cref="Elementwise"/> has the loop.
/// </summary>
internal interface IElementwiseOperator
{
    /// <summary>The name in the kernel table: <c>f32-silu</c>.</summary>
    static abstract string Operation { get; }

    /// <summary>The function, lane by lane.</summary>
    static abstract TLanes Invoke<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>;

    /// <summary>The function's derivative, lane by lane.</summary>
    static abstract TLanes Slope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>;
}
