using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Cases;

/// <summary>Values to a map of a few bits, and back.</summary>
internal sealed unsafe record QuantizedMapCase(int Count, int Bits)
    : KernelCaseOfTable<QuantizedMapKernel>(QuantizedMap.Table)
{
    internal override string Variant => $"{Bits} bits";

    internal override string Size => $"{Count}";

    internal override double Work => Count;

    internal override bool ExpectsExtremes => true;

    private float[] X => Spoiled(Sample.Floats(Count, Count));

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X;
        int max = Levels.MaxLevel(Bits);
        float largest = x.Where(value => !float.IsNaN(value)).Max(Math.Abs);
        float inverse = Levels.InverseScale(largest, max), scale = Levels.Scale(largest, max);
        float[] levels = [.. x.Select(value => MathF.Round(value * inverse))];
        float[] expected = [.. levels.Select(level => scale * (float.IsNaN(level) ? 0 : (int)level))];
        return [Expectation.Exact(expected)];
    }

    private protected override Action<QuantizedMapKernel> CreateRun()
    {
        GuardedBuffer<float> x = Input<float>(X), y = Output<float>(Count);
        GuardedBuffer<byte> map = Scratch<byte>(sizeof(float) + (Bits == 8 ? Count : (Count + 1) / 2));
        return kernel =>
        {
            kernel.Write(x.Pointer, Count, Bits, map.Pointer);
            kernel.Read(map.Pointer, Count, Bits, y.Pointer);
        };
    }
}
