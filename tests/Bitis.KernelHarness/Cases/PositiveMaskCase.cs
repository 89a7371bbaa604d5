using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Activations;

namespace Bitis.KernelHarness.Cases;

/// <summary>The mask of values above zero, and a gradient that passes through it.</summary>
internal sealed unsafe record PositiveMaskCase(int Count)
    : KernelCaseOfTable<PositiveMaskKernel>(PositiveMask.Table)
{
    public bool Accumulate { get; init; }

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    internal override bool ExpectsExtremes => true;

    private float[] X
    {
        get
        {
            float[] x = Sample.Floats(Count, Count);
            for (int i = 0; i < x.Length; i += 5)
                x[i] = i % 2 == 0 ? 0f : -0f;
            return Spoiled(x);
        }
    }

    private float[] Gradient => [.. Spoiled(Sample.Floats(Count + 1, Count)).Reverse()];

    private float[] Before => Sample.Floats(Count + 2, Count);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, gradient = Gradient, before = Before, passed = new float[Count];
        var mask = new ushort[PositiveMask.Words(Count)];
        for (int i = 0; i < Count; i++)
        {
            mask[i / 16] |= (ushort)((x[i] > 0 ? 1 : 0) << (i % 16));
            passed[i] = x[i] > 0 ? gradient[i] : 0;
            passed[i] = Accumulate ? before[i] + passed[i] : passed[i];
        }
        return [Expectation.Exact(mask), Expectation.Exact(passed)];
    }

    private protected override Action<PositiveMaskKernel> CreateRun()
    {
        GuardedBuffer<float> x = Input<float>(X), gradient = Input<float>(Gradient);
        GuardedBuffer<ushort> mask = Output([.. Enumerable.Repeat(ushort.MaxValue, PositiveMask.Words(Count))]);
        GuardedBuffer<float> passed = Output(Before);
        return kernel =>
        {
            kernel.Write(x.Pointer, mask.Pointer, Count);
            kernel.Apply(gradient.Pointer, mask.Pointer, passed.Pointer, Count, Accumulate);
        };
    }
}
