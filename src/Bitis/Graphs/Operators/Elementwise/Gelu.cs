namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The Gaussian error linear unit in its exact form: <c>x·Φ(x) = x/2·(1 + erf(x/√2))</c>.</summary>
internal sealed record Gelu : ElementwiseUnary
{
    /// <inheritdoc />
    public override string Kind => "gelu";

    /// <inheritdoc />
    public override float Apply(float x) => (float)(0.5 * x * (1 + Erf(x / Math.Sqrt(2))));

    /// <summary>
    /// erf(x) to about 15 digits: its Taylor series near zero, the continued fraction of erfc beyond (DLMF 7.6.1,
    /// 7.9.1).
    /// </summary>
    private static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (a < 3)
        {
            double term = x, sum = x;
            for (int n = 1; n < 80; n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return sum * 2 / Math.Sqrt(Math.PI);
        }
        double fraction = 0;
        for (int n = 60; n > 0; n--)
            fraction = n / 2.0 / (a + fraction);
        return Math.CopySign(1 - Math.Exp(-a * a) / Math.Sqrt(Math.PI) / (a + fraction), x);
    }
}
