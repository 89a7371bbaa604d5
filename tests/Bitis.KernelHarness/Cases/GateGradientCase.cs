using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Activations;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of a gate.</summary>
internal sealed unsafe record GateGradientCase(int Count) : KernelCaseOfTable<GateKernel>(Gate.Table)
{
    internal override string Variant => "backward";

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    private float[] X => Spoiled(Sample.Floats(1, Count));

    private float[] Z => [.. Spoiled(Sample.Floats(2, Count)).Reverse()];

    private float[] OutputGradient => Sample.Floats(3, Count);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = NumericalGradient.OfEach(
            point =>
                NumericalGradient.Dot(point[0].Zip(point[1], (x, z) => x * ExactActivations.Silu(z)), OutputGradient),
            X,
            Z);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    private protected override Action<GateKernel> CreateRun()
    {
        GuardedBuffer<float> x = Input<float>(X), z = Input<float>(Z), y = Input<float>(OutputGradient);
        GuardedBuffer<float> xGradient = Output<float>(Count), zGradient = Output<float>(Count);
        return kernel => kernel.Backward(x.Pointer, z.Pointer, y.Pointer, xGradient.Pointer, zGradient.Pointer, Count);
    }
}
