using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Cases;

/// <summary>Unsigned integers to values.</summary>
internal sealed unsafe record DequantizeCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<DequantizeCall>>(Dequantize.Table)
{
    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool ExpectsExtremes => true;

    private byte[] Levels => [.. Enumerable.Range(0, Tokens * Columns).Select(i => (byte)(37 * i))];

    private float[] Scales => Spoiled(Sample.Floats(1, Tokens, 0.1f, 2f));

    private int[] ZeroPoints => [.. Enumerable.Range(0, Tokens).Select(token => token * 100 % 256)];

    internal override IReadOnlyList<Expectation> Expected()
    {
        byte[] levels = Levels;
        float[] scales = Scales, expected = new float[levels.Length];
        int[] zeroPoints = ZeroPoints;
        for (int i = 0; i < expected.Length; i++)
            expected[i] = scales[i / Columns] * (levels[i] - zeroPoints[i / Columns]);
        return [Expectation.Exact(expected)];
    }

    private protected override Action<RangeKernel<DequantizeCall>> CreateRun()
    {
        var call = new DequantizeCall
        {
            Source = Input<byte>(Levels).Pointer,
            SourceStride = Columns,
            Target = Output<float>(Tokens * Columns).Pointer,
            TargetStride = Columns,
            Columns = Columns,
            Scales = Input<float>(Scales).Pointer,
            ZeroPoints = Input<int>(ZeroPoints).Pointer,
        };
        return kernel =>
        {
            kernel.Run(in call, 0, Tokens / 2);
            kernel.Run(in call, Tokens / 2, Tokens);
        };
    }
}
