using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Simd;

/// <summary>2^x for the decay of the selective scan: exactly 1 for x = 0, and a relative error of 3e-7.</summary>
/// <remarks>
/// Below −126 it stays at 2^−126. Larger values than 127 are not allowed: the decay of a stable system never exceeds 1.
/// The coefficients are loaded once and stay in registers. Literals would be slower: the JIT reads them from memory at
/// each use, and an inner loop would wait for these loads.
/// </remarks>
internal readonly unsafe struct Exp2Polynomial<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    private readonly float* _coefficients = PolynomialCoefficients.Exp2;
    private readonly TLanes _lowest, _c5, _c4, _c3, _c2, _c1, _c0;

    /// <summary>Loads the coefficients: once, before a loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Exp2Polynomial()
    {
        float* next = _coefficients;
        _lowest = Next(ref next);
        _c5 = Next(ref next);
        _c4 = Next(ref next);
        _c3 = Next(ref next);
        _c2 = Next(ref next);
        _c1 = Next(ref next);
        _c0 = Next(ref next);
    }

    // Where 16 registers must do, two coefficients stay in memory: a maximum reads its bound there, and the first
    // multiply-add needs a copy of its factor in any case.
    private TLanes Lowest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TLanes.Has32Registers ? _lowest : TLanes.Load(_coefficients);
    }

    private TLanes C5
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TLanes.Has32Registers ? _c5 : TLanes.Load(_coefficients + PolynomialCoefficients.Exp2Copies);
    }

    /// <summary>2^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Of(TLanes x)
    {
        x = TLanes.Max(x, Lowest);
        TLanes n = TLanes.Round(x);
        TLanes f = x - n; // in [−1/2, 1/2], exact
        TLanes p = TLanes.MultiplyAdd(C5, f, _c4);
        p = TLanes.MultiplyAdd(p, f, _c3);
        p = TLanes.MultiplyAdd(p, f, _c2);
        p = TLanes.MultiplyAdd(p, f, _c1);
        p = TLanes.MultiplyAdd(p, f, _c0);
        return TLanes.Scale(p, n);
    }

    /// <summary>2^x of two registers, side by side (see the form with four).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Of(ref TLanes x0, ref TLanes x1)
    {
        x0 = TLanes.Max(x0, Lowest);
        x1 = TLanes.Max(x1, Lowest);
        TLanes n0 = TLanes.Round(x0), n1 = TLanes.Round(x1);
        x0 -= n0;
        x1 -= n1;
        TLanes p0 = TLanes.MultiplyAdd(C5, x0, _c4), p1 = TLanes.MultiplyAdd(C5, x1, _c4);
        p0 = TLanes.MultiplyAdd(p0, x0, _c3);
        p1 = TLanes.MultiplyAdd(p1, x1, _c3);
        p0 = TLanes.MultiplyAdd(p0, x0, _c2);
        p1 = TLanes.MultiplyAdd(p1, x1, _c2);
        p0 = TLanes.MultiplyAdd(p0, x0, _c1);
        p1 = TLanes.MultiplyAdd(p1, x1, _c1);
        p0 = TLanes.MultiplyAdd(p0, x0, _c0);
        p1 = TLanes.MultiplyAdd(p1, x1, _c0);
        x0 = TLanes.Scale(p0, n0);
        x1 = TLanes.Scale(p1, n1);
    }

    /// <summary>2^x of four registers.</summary>
    /// <remarks>
    /// Their chains of dependent operations advance side by side. If one chain came after the other, its waiting
    /// operations would fill the processor's scheduler. Then the next chain could not start.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Of(ref TLanes x0, ref TLanes x1, ref TLanes x2, ref TLanes x3)
    {
        if (!TLanes.Has32Registers)
        {
            Of(ref x0, ref x1);
            Of(ref x2, ref x3);
            return;
        }

        x0 = TLanes.Max(x0, Lowest);
        x1 = TLanes.Max(x1, Lowest);
        x2 = TLanes.Max(x2, Lowest);
        x3 = TLanes.Max(x3, Lowest);
        TLanes n0 = TLanes.Round(x0), n1 = TLanes.Round(x1), n2 = TLanes.Round(x2), n3 = TLanes.Round(x3);
        x0 -= n0;
        x1 -= n1;
        x2 -= n2;
        x3 -= n3;
        TLanes p0 = TLanes.MultiplyAdd(C5, x0, _c4), p1 = TLanes.MultiplyAdd(C5, x1, _c4);
        TLanes p2 = TLanes.MultiplyAdd(C5, x2, _c4), p3 = TLanes.MultiplyAdd(C5, x3, _c4);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Next(ref float* next)
    {
        TLanes value = TLanes.Create(*next);
        next += PolynomialCoefficients.Exp2Copies;
        return value;
    }
}
