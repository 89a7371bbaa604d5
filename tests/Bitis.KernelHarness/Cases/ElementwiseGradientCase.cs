using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of a function of one value.</summary>
internal sealed unsafe record ElementwiseGradientCase(KernelTable<ElementwiseKernel> Table, int Count)
    : KernelCaseOfTable<ElementwiseKernel>(Table)
{
    internal override string Variant => "backward";

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    private float[] X => Spoiled(Sample.Floats(1, Count, -5f, 5f));

    private float[] OutputGradient => [.. Spoiled(Sample.Floats(2, Count)).Reverse()];

    internal override IReadOnlyList<Expectation> Expected()
    {
        Func<double, double> exact = ExactActivations.Of(Rows[0].Operation);
        float[] weights = OutputGradient;
        // Each output depends on its own input alone.
        double[] slopes = Array.ConvertAll(X, x => NumericalGradient.Of(point => exact(point[0]), [x])[0]);
        return [Expectation.Close([.. slopes.Zip(weights, (slope, weight) => slope * weight)])];
    }

    private protected override Action<ElementwiseKernel> CreateRun()
    {
        GuardedBuffer<float> x = Input<float>(X), y = Input<float>(OutputGradient), xGradient = Output<float>(Count);
        return kernel => kernel.Backward(x.Pointer, y.Pointer, xGradient.Pointer, Count);
    }
}
