namespace Bitis.KernelHarness.References;

/// <summary>The activation functions in float64.</summary>
internal static class ExactActivations
{
    /// <summary>The function of an operation's name, such as <c>f32-silu</c>.</summary>
    public static Func<double, double> Of(string operation) => operation switch
    {
        "f32-exp" => Math.Exp,
        "f32-silu" => Silu,
        "f32-sigmoid" => Sigmoid,
        "f32-softplus" => Softplus,
        "f32-gelu" => Gelu,
        "f32-relu" => x => Math.Max(x, 0),
        _ => throw new ArgumentException($"There is no definition of {operation}; add it here.", nameof(operation)),
    };

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public static double Softplus(double x) => Math.Max(x, 0) + LogOnePlus(Math.Exp(-Math.Abs(x)));

    public static double Gelu(double x) => 0.5 * x * (1 + Erf(x / Math.Sqrt(2)));

    private static double LogOnePlus(double t) => t > 1e-5 ? Math.Log(1 + t) : t - (t * t / 2) + (t * t * t / 3);

    // The Taylor series near zero, the continued fraction of erfc (DLMF 7.9.1) beyond.
    private static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; n < 80; n++)
            {
                term *= -a * a / n;
                sum += term / ((2 * n) + 1);
            }
            return Math.Sign(x) * sum * 2 / Math.Sqrt(Math.PI);
        }
        double fraction = 0;
        for (int n = 60; n > 0; n--)
            fraction = n / 2.0 / (a + fraction);
        return Math.Sign(x) * (1 - (Math.Exp(-a * a) / Math.Sqrt(Math.PI) / (a + fraction)));
    }
}
