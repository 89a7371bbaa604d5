namespace Bitis.Gpu.Emulation;

/// <summary>Errors of approximate instructions, as large as the language permits.</summary>
/// <remarks>
/// The same input has the same error. The hardware's own errors are not published bit by bit. A kernel is right only if
/// it is right with all of them.
/// <code>
///   ex2   2 units in the last place
///   lg2   2⁻²² absolute where 1/2 &lt; x &lt; 2, else 2⁻²² relative
///   rcp   1 unit in the last place
///   rsqrt 2⁻²²·⁹ relative
///   ex2   of float16: 2⁻⁹·⁹ relative
/// </code>
/// </remarks>
/// <param name="seed">What decides the errors; null for results that are rounded once.</param>
internal sealed class ApproximationErrors(int? seed)
{
    private const double Unit = 1.0 / (1 << 23);

    /// <summary>2ˣ.</summary>
    public float Exp2(float x) => Relative(Math.Pow(2, Flushed(x)), x, 1, 2 * Unit);

    /// <summary>log₂ x.</summary>
    public float Log2(float x)
    {
        x = Flushed(x);
        double exact = Math.Log2(x);
        return x is > 0.5f and < 2f
            ? Flushed((float)(exact + (Deviation(x, 2) * 2 * Unit)))
            : Relative(exact, x, 2, 2 * Unit);
    }

    /// <summary>1/x.</summary>
    public float Reciprocal(float x) => Relative(1.0 / Flushed(x), x, 3, Unit);

    /// <summary>1/√x.</summary>
    public float ReciprocalRoot(float x) => Relative(1 / Math.Sqrt(Flushed(x)), x, 4, Unit * Math.Pow(2, 0.1));

    /// <summary>2ˣ of a float16, before it is rounded to one.</summary>
    public double Exp2OfHalf(float x) => Math.Pow(2, x) * (1 + (Deviation(x, 5) * Math.Pow(2, -9.9)));

    private static float Flushed(float x) => float.IsSubnormal(x) ? 0 * x : x;

    private float Relative(double exact, float x, uint function, double bound) =>
        Flushed((float)(exact * (1 + (Deviation(x, function) * bound))));

    /// <summary>A number from −1 to 1, mostly near the ends.</summary>
    private double Deviation(float x, uint function)
    {
        if (seed is not { } start)
            return 0;
        uint hash = (BitConverter.SingleToUInt32Bits(x) * 0x9E3779B1) ^ (((uint)start * 0x85EBCA77) + function);
        hash = (hash ^ (hash >> 15)) * 0x2C1B3C6D;
        hash = (hash ^ (hash >> 12)) * 0x297A2D39;
        double uniform = (int)(hash ^ (hash >> 15)) / 2147483648.0;
        return Math.CopySign(Math.Sqrt(Math.Abs(uniform)), uniform);
    }
}
