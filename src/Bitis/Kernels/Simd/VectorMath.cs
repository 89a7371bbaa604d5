using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Simd;

/// <summary>The kernels' transcendental functions, written once for every register width.</summary>
/// <remarks>
/// They take e^x as a value with its coefficients, which a loop keeps in registers. Errors are relative to exact
/// arithmetic. NaN is not propagated.
/// </remarks>
internal static class VectorMath
{
    /// <summary>ln(1 + e^x), relative error 1e-6.</summary>
    /// <remarks>
    /// <c>max(x, 0) + log1p(t)</c> with t = e^−|x|. Here log1p(t) = 2·atanh(s), s = t / (2 + t), keeps small results
    /// accurate.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Softplus<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes t = exp.Of(TLanes.Create(0f) - TLanes.Abs(x));
        TLanes s = t / (t + TLanes.Create(2f)); // in (0, 1/3]
        TLanes q = s * s;
        TLanes p = TLanes.Create(0.281577796f);
        p = TLanes.MultiplyAdd(p, q, TLanes.Create(0.279651582f));
        p = TLanes.MultiplyAdd(p, q, TLanes.Create(0.400245965f));
        p = TLanes.MultiplyAdd(p, q, TLanes.Create(0.666663229f));
        p = TLanes.MultiplyAdd(p, q, TLanes.Create(2f));
        return TLanes.MultiplyAdd(s, p, TLanes.Max(x, TLanes.Create(0f)));
    }

    /// <summary>ln(1 + e^x) of one value, with the bits that every form of the kernels gives.</summary>
    public static unsafe float Softplus(float x)
    {
        var exp = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        Lane1.Store(Softplus(Lane1.Create(x), in exp), &x);
        return x;
    }

    /// <summary>ln(1 + e^x) of two registers, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SoftplusPair<TLanes>(ref TLanes x0, ref TLanes x1, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        if (!TLanes.Has32Registers)
        {
            x0 = Softplus(x0, in exp);
            x1 = Softplus(x1, in exp);
            return;
        }

        TLanes zero = TLanes.Create(0f), two = TLanes.Create(2f);
        TLanes s0 = zero - TLanes.Abs(x0), s1 = zero - TLanes.Abs(x1);
        exp.Of(ref s0, ref s1);
        s0 /= s0 + two;
        s1 /= s1 + two;
        TLanes q0 = s0 * s0, q1 = s1 * s1;
        TLanes c = TLanes.Create(0.279651582f), p0 = TLanes.Create(0.281577796f), p1 = TLanes.MultiplyAdd(p0, q1, c);
        p0 = TLanes.MultiplyAdd(p0, q0, c);
        c = TLanes.Create(0.400245965f);
        p0 = TLanes.MultiplyAdd(p0, q0, c);
        p1 = TLanes.MultiplyAdd(p1, q1, c);
        c = TLanes.Create(0.666663229f);
        p0 = TLanes.MultiplyAdd(p0, q0, c);
        p1 = TLanes.MultiplyAdd(p1, q1, c);
        p0 = TLanes.MultiplyAdd(p0, q0, two);
        p1 = TLanes.MultiplyAdd(p1, q1, two);
        x0 = TLanes.MultiplyAdd(s0, p0, TLanes.Max(x0, zero));
        x1 = TLanes.MultiplyAdd(s1, p1, TLanes.Max(x1, zero));
    }

    /// <summary>1 / (1 + e^−x), relative error 1e-6 for x ≥ −87.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Sigmoid<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = exp.One;
        return one / (one + exp.Of(TLanes.Create(0f) - x));
    }

    /// <summary>The derivative of <see cref="Silu"/>: σ(x)·(1 + x·(1 − σ(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes SiluSlope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = exp.One;
        TLanes sigmoid = Sigmoid(x, in exp);
        return sigmoid * TLanes.MultiplyAdd(x, one - sigmoid, one);
    }

    /// <summary>x / (1 + e^−x), relative error 1e-6 for x ≥ −87; closer to zero than 1e-35 below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Silu<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = exp.One;
        return x / (one + exp.Of(TLanes.Create(0f) - x));
    }

    /// <summary>x / (1 + e^−x) of two registers, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SiluPair<TLanes>(ref TLanes x0, ref TLanes x1, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes zero = TLanes.Create(0f), t0 = zero - x0, t1 = zero - x1;
        exp.Of(ref t0, ref t1);
        x0 /= exp.One + t0;
        x1 /= exp.One + t1;
    }

    /// <summary>erf(x/√2), absolute error 3e-7, and exactly ±1 beyond ±5.8.</summary>
    /// <remarks>
    /// It is an odd quotient of polynomials in x². The fit is a little above 1 at the end of its range, where it is cut
    /// off.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes ErfOfNormal<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        x = TLanes.Min(TLanes.Max(x, TLanes.Create(-5.8f)), TLanes.Create(5.8f));
        TLanes t = x * x;
        TLanes p = TLanes.MultiplyAdd(TLanes.Create(4.22904165e-8f), t, TLanes.Create(1.28116462e-5f));
        TLanes q = TLanes.MultiplyAdd(TLanes.Create(1.15437888e-6f), t, TLanes.Create(7.84723525e-5f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(3.69696645e-4f));
        q = TLanes.MultiplyAdd(q, t, TLanes.Create(1.97582180e-3f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(9.54911858e-3f));
        q = TLanes.MultiplyAdd(q, t, TLanes.Create(2.95724384e-2f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(7.09681585e-2f));
        q = TLanes.MultiplyAdd(q, t, TLanes.Create(2.55610615e-1f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(7.97884405e-1f));
        q = TLanes.MultiplyAdd(q, t, TLanes.Create(1f));
        return TLanes.Min(TLanes.Max(p * x / q, TLanes.Create(-1f)), TLanes.Create(1f));
    }

    /// <summary>The exact (erf) form of GELU, <c>x/2·(1 + erf(x/√2))</c>, absolute error 3e-7·max(1, |x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gelu<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes half = TLanes.Create(0.5f) * x;
        return TLanes.MultiplyAdd(half, ErfOfNormal(x), half);
    }

    /// <summary>The derivative of <see cref="Gelu"/>, Φ(x) + x·φ(x), absolute error 1e-6·max(1, |x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes GeluSlope<TLanes>(TLanes x, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes half = TLanes.Create(0.5f);
        TLanes cumulative = TLanes.MultiplyAdd(half, ErfOfNormal(x), half);
        TLanes density = TLanes.Create(0.398942280f) * exp.Of(TLanes.Create(-0.5f) * x * x);
        return TLanes.MultiplyAdd(x, density, cumulative);
    }
}
