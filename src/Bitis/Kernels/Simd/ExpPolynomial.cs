using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Simd;

/// <summary>e^x, relative error 2e-7; x is first limited to [−87, 88], where the result is a normal number.</summary>
/// <remarks>Its coefficients stay in registers (see <see cref="Exp2Polynomial{TLanes}"/>).</remarks>
internal readonly unsafe struct ExpPolynomial<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    private readonly TLanes _lowest, _highest, _log2E, _ln2High, _ln2Low, _c6, _c5, _c4, _c3, _c2, _one;

    /// <summary>Loads the coefficients: once, before a loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ExpPolynomial(float* coefficients)
    {
        _lowest = TLanes.Create(coefficients[0]);
        _highest = TLanes.Create(coefficients[1]);
        _log2E = TLanes.Create(coefficients[2]);
        _ln2High = TLanes.Create(coefficients[3]);
        _ln2Low = TLanes.Create(coefficients[4]);
        _c6 = TLanes.Create(coefficients[5]);
        _c5 = TLanes.Create(coefficients[6]);
        _c4 = TLanes.Create(coefficients[7]);
        _c3 = TLanes.Create(coefficients[8]);
        _c2 = TLanes.Create(coefficients[9]);
        _one = TLanes.Create(coefficients[10]);
    }

    /// <summary>1, one of the coefficients.</summary>
    public TLanes One => _one;

    /// <summary>e^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Of(TLanes x)
    {
        x = TLanes.Min(TLanes.Max(x, _lowest), _highest);
        TLanes n = TLanes.Round(x * _log2E);
        TLanes r = TLanes.MultiplyAdd(n, _ln2High, x);
        r = TLanes.MultiplyAdd(n, _ln2Low, r); // in [−ln(2)/2, ln(2)/2]
        TLanes p = TLanes.MultiplyAdd(_c6, r, _c5);
        p = TLanes.MultiplyAdd(p, r, _c4);
        p = TLanes.MultiplyAdd(p, r, _c3);
        p = TLanes.MultiplyAdd(p, r, _c2);
        p = TLanes.MultiplyAdd(p, r, _one);
        p = TLanes.MultiplyAdd(p, r, _one);
        return TLanes.Scale(p, n);
    }

    /// <summary>
    /// e^x of two registers, whose chains advance side by side (see <see cref="Exp2Polynomial{TLanes}"/>).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Of(ref TLanes x0, ref TLanes x1)
    {
        if (!TLanes.Has32Registers)
        {
            x0 = Of(x0);
            x1 = Of(x1);
            return;
        }

        x0 = TLanes.Min(TLanes.Max(x0, _lowest), _highest);
        x1 = TLanes.Min(TLanes.Max(x1, _lowest), _highest);
        TLanes n0 = TLanes.Round(x0 * _log2E), n1 = TLanes.Round(x1 * _log2E);
        x0 = TLanes.MultiplyAdd(n0, _ln2High, x0);
        x1 = TLanes.MultiplyAdd(n1, _ln2High, x1);
        x0 = TLanes.MultiplyAdd(n0, _ln2Low, x0);
        x1 = TLanes.MultiplyAdd(n1, _ln2Low, x1);
        TLanes p0 = TLanes.MultiplyAdd(_c6, x0, _c5), p1 = TLanes.MultiplyAdd(_c6, x1, _c5);
        p0 = TLanes.MultiplyAdd(p0, x0, _c4);
        p1 = TLanes.MultiplyAdd(p1, x1, _c4);
        p0 = TLanes.MultiplyAdd(p0, x0, _c3);
        p1 = TLanes.MultiplyAdd(p1, x1, _c3);
        p0 = TLanes.MultiplyAdd(p0, x0, _c2);
        p1 = TLanes.MultiplyAdd(p1, x1, _c2);
        p0 = TLanes.MultiplyAdd(p0, x0, _one);
        p1 = TLanes.MultiplyAdd(p1, x1, _one);
        p0 = TLanes.MultiplyAdd(p0, x0, _one);
        p1 = TLanes.MultiplyAdd(p1, x1, _one);
        x0 = TLanes.Scale(p0, n0);
        x1 = TLanes.Scale(p1, n1);
    }
}
