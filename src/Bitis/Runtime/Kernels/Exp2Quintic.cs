using System.Runtime.CompilerServices;

namespace Bitis.Runtime.Kernels;

/// <summary>2^x by a polynomial of the fifth degree: relative error 3e-7.</summary>
internal readonly unsafe struct Exp2Quintic<TLanes> : IExp2Polynomial<Exp2Quintic<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    private readonly TLanes _lowest, _c5, _c4, _c3, _c2, _c1, _c0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Exp2Quintic(float* coefficients)
    {
        _lowest = TLanes.Create(coefficients[0]);
        _c5 = TLanes.Create(coefficients[1]);
        _c4 = TLanes.Create(coefficients[2]);
        _c3 = TLanes.Create(coefficients[3]);
        _c2 = TLanes.Create(coefficients[4]);
        _c1 = TLanes.Create(coefficients[5]);
        _c0 = TLanes.Create(coefficients[6]);
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Exp2Quintic<TLanes> Load() => new(PolynomialCoefficients.Exp2Quintic);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Of(TLanes x)
    {
        x = TLanes.Max(x, _lowest);
        TLanes n = TLanes.Round(x);
        TLanes f = x - n; // in [−1/2, 1/2], exact
        TLanes p = TLanes.MultiplyAdd(_c5, f, _c4);
        p = TLanes.MultiplyAdd(p, f, _c3);
        p = TLanes.MultiplyAdd(p, f, _c2);
        p = TLanes.MultiplyAdd(p, f, _c1);
        p = TLanes.MultiplyAdd(p, f, _c0);
        return TLanes.Scale(p, n);
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Of(ref TLanes x0, ref TLanes x1, ref TLanes x2, ref TLanes x3)
    {
        x0 = TLanes.Max(x0, _lowest);
        x1 = TLanes.Max(x1, _lowest);
        x2 = TLanes.Max(x2, _lowest);
        x3 = TLanes.Max(x3, _lowest);
        TLanes n0 = TLanes.Round(x0), n1 = TLanes.Round(x1), n2 = TLanes.Round(x2), n3 = TLanes.Round(x3);
        x0 -= n0;
        x1 -= n1;
        x2 -= n2;
        x3 -= n3;
        TLanes p0 = TLanes.MultiplyAdd(_c5, x0, _c4), p1 = TLanes.MultiplyAdd(_c5, x1, _c4);
        TLanes p2 = TLanes.MultiplyAdd(_c5, x2, _c4), p3 = TLanes.MultiplyAdd(_c5, x3, _c4);
        p0 = TLanes.MultiplyAdd(p0, x0, _c3);
        p1 = TLanes.MultiplyAdd(p1, x1, _c3);
        p2 = TLanes.MultiplyAdd(p2, x2, _c3);
        p3 = TLanes.MultiplyAdd(p3, x3, _c3);
        p0 = TLanes.MultiplyAdd(p0, x0, _c2);
        p1 = TLanes.MultiplyAdd(p1, x1, _c2);
        p2 = TLanes.MultiplyAdd(p2, x2, _c2);
        p3 = TLanes.MultiplyAdd(p3, x3, _c2);
        p0 = TLanes.MultiplyAdd(p0, x0, _c1);
        p1 = TLanes.MultiplyAdd(p1, x1, _c1);
        p2 = TLanes.MultiplyAdd(p2, x2, _c1);
        p3 = TLanes.MultiplyAdd(p3, x3, _c1);
        p0 = TLanes.MultiplyAdd(p0, x0, _c0);
        p1 = TLanes.MultiplyAdd(p1, x1, _c0);
        p2 = TLanes.MultiplyAdd(p2, x2, _c0);
        p3 = TLanes.MultiplyAdd(p3, x3, _c0);
        x0 = TLanes.Scale(p0, n0);
        x1 = TLanes.Scale(p1, n1);
        x2 = TLanes.Scale(p2, n2);
        x3 = TLanes.Scale(p3, n3);
    }
}
