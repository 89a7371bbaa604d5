using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Activations;

namespace Bitis.KernelHarness.Cases;

/// <summary>A gate, <c>factor·x·SiLU(z)</c>.</summary>
internal sealed unsafe record GateCase(int Count) : KernelCaseOfTable<GateKernel>(Gate.Table)
{
    public float Factor { get; init; } = 1;

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    private float[] X => Spoiled(Sample.Floats(1, Count));

    private float[] Z => [.. Spoiled(Sample.Floats(2, Count)).Reverse()];

    internal override IReadOnlyList<Expectation> Expected() =>
        [Expectation.Close([.. X.Zip(Z, (x, z) => Factor * x * ExactActivations.Silu(z))], tolerance: 1e-6)];

    private protected override Action<GateKernel> CreateRun()
    {
        GuardedBuffer<float> x = Input<float>(X), z = Input<float>(Z), y = Output<float>(Count);
        return kernel => kernel.Forward(x.Pointer, z.Pointer, Factor, y.Pointer, Count);
    }
}
