using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;

namespace Bitis.KernelHarness.Cases;

/// <summary>A function of one value, over an array, in place.</summary>
internal sealed unsafe record ElementwiseCase(KernelTable<ElementwiseKernel> Table, int Count)
    : KernelCaseOfTable<ElementwiseKernel>(Table)
{
    /// <summary>The arguments; null for random ones from -10 to 10.</summary>
    internal float[]? Arguments { get; init; }

    /// <summary>The largest error relative to the value; 0 for exact results.</summary>
    public double Tolerance { get; init; } = 1e-6;

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    private float[] X => Spoiled(Arguments ?? Sample.Floats(Count, Count, -10f, 10f));

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] exact = Array.ConvertAll(X, x => ExactActivations.Of(Rows[0].Operation)(x));
        // The GELU of large negative numbers is the difference of almost equal ones.
        bool isDifference = Rows[0].Operation == "f32-gelu";
        double[] magnitudes = [.. exact.Zip(X, (y, x) => isDifference ? Math.Max(1, Math.Abs(x)) : Math.Abs(y))];
        return [Expectation.Within(exact, magnitudes, Tolerance)];
    }

    private protected override Action<ElementwiseKernel> CreateRun()
    {
        GuardedBuffer<float> x = Output(X);
        return kernel => kernel.Run(x.Pointer, x.Pointer, Count);
    }
}
