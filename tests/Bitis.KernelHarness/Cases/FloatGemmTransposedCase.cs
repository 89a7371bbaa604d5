using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Gemm;

namespace Bitis.KernelHarness.Cases;

/// <summary>The gradient of a linear layer's weights: <c>C[N, K] += Y[M, N]ᵀ·X[M, K]</c>.</summary>
internal sealed unsafe record FloatGemmTransposedCase(int Tokens, int Outputs, int Inputs)
    : KernelCaseOfTable<FloatGemmKernel>(FloatGemm.Table)
{
    /// <summary>Elements between the rows of Y and X.</summary>
    public int Padding { get; init; }

    internal override string Variant => "transposed";

    internal override string Size => $"{Tokens}×{Inputs}×{Outputs}";

    internal override double Work => (double)Tokens * Outputs * Inputs;

    internal override bool IsProduct => true;

    private int YStride => Outputs + Padding;

    private int XStride => Inputs + Padding;

    private float[] Y => Spoiled(Sample.Floats(Tokens + Outputs, NumberArrays.PaddedLength(Tokens, YStride, Outputs)));

    private float[] X => Spoiled(Sample.Floats(Tokens + Inputs, NumberArrays.PaddedLength(Tokens, XStride, Inputs)));

    private float[] Before => Sample.Floats(3, Outputs * Inputs);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] y = Y, x = X;
        double[] expected = NumberArrays.Doubles(Before);
        for (int i = 0; i < expected.Length; i++)
        {
            for (int row = 0; row < Tokens; row++)
                expected[i] += (double)y[(row * YStride) + (i / Inputs)] * x[(row * XStride) + (i % Inputs)];
        }
        return [Expectation.Close(expected, tolerance: 1e-6)];
    }

    private protected override Action<FloatGemmKernel> CreateRun()
    {
        GuardedBuffer<float> y = Input<float>(Y), x = Input<float>(X), sums = Output(Before);
        int columns = FloatGemm.Table.Rows.Max(kernel => kernel.Columns);
        GuardedBuffer<float> scratch = Scratch<float>(Tokens * columns);
        return kernel =>
        {
            float* panel = scratch.Pointer + (Tokens * (columns - kernel.Columns)); // ends at the guard page
            kernel.AddTransposed(
                y.Pointer, YStride, x.Pointer, XStride, Tokens, Outputs, Inputs, sums.Pointer, panel);
        };
    }
}
