using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Gemm;

namespace Bitis.KernelHarness.Cases;

/// <summary>The float32 linear layer: <c>C[M, N] = A[M, K]·W[N, K]ᵀ + bias[N]</c>.</summary>
internal sealed unsafe record FloatGemmCase(int Tokens, int Outputs, int Inputs)
    : KernelCaseOfTable<FloatGemmKernel>(FloatGemm.Table)
{
    /// <summary>Elements between the rows of input and output.</summary>
    public int Padding { get; init; }

    public bool HasBias { get; init; } = true;

    public bool Accumulate { get; init; }

    internal override string Size => $"{Tokens}×{Inputs}×{Outputs}";

    internal override double Work => (double)Tokens * Outputs * Inputs;

    internal override bool IsProduct => true;

    private int InputStride => Inputs + Padding;

    private int OutputStride => Outputs + Padding;

    private float[] A =>
        Spoiled(Sample.Floats(Tokens + Inputs, NumberArrays.PaddedLength(Tokens, InputStride, Inputs)));

    private float[] Bias => HasBias ? Spoiled(Sample.Floats(Outputs, Outputs)) : [];

    private float[] Before => Sample.Floats(Tokens + Outputs, NumberArrays.PaddedLength(Tokens, OutputStride, Outputs));

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] a = A, w = Weights(), bias = Bias, before = Before;
        double[] expected = NumberArrays.Doubles(before), magnitudes = new double[before.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            int row = i / OutputStride, column = i % OutputStride;
            if (column >= Outputs)
                continue; // padding, which stays as it is
            expected[i] = (HasBias ? bias[column] : 0) + (Accumulate ? before[i] : 0);
            magnitudes[i] = Math.Abs(expected[i]) + 1;
            for (int k = 0; k < Inputs; k++)
            {
                double product = (double)a[(row * InputStride) + k] * w[(column * Inputs) + k];
                expected[i] += product;
                magnitudes[i] += Math.Abs(product);
            }
        }
        return [Expectation.Within(expected, magnitudes, (Inputs + 3) * 6e-8)];
    }

    private protected override Action<FloatGemmKernel> CreateRun()
    {
        GuardedBuffer<float> input = Input<float>(A), output = Output(Before);
        float[] values = Weights(), bias = Bias;
        var packed = new Dictionary<FloatGemmKernel, PackedFloatWeights>();
        foreach (FloatGemmKernel kernel in FloatGemm.Table.Runnable)
            packed[kernel] = Own(new PackedFloatWeights(values, bias, Outputs, Inputs, kernel));
        return kernel => FloatGemm.Run(
            packed[kernel], input.Pointer, InputStride, output.Pointer, OutputStride, 0, Tokens, Accumulate);
    }

    private float[] Weights()
    {
        float[] w = Sample.Floats(Outputs + Inputs, Outputs * Inputs);
        if (HasExtremes)
            (w[3], w[50]) = (float.PositiveInfinity, float.NaN);
        return w;
    }
}
