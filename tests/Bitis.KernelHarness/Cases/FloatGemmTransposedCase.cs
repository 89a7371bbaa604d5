using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Gemm;

namespace Bitis.KernelHarness.Cases;

/// <summary>
/// The gradient of a linear layer's weights, <c>C[N, K] += Y[M, N]ᵀ·X[M, K]</c>, or with Y as <c>[N, M]</c>.
/// </summary>
internal sealed unsafe record FloatGemmTransposedCase(int Tokens, int Outputs, int Inputs)
    : KernelCaseOfTable<FloatGemmKernel>(FloatGemm.Table)
{
    /// <summary>Elements between the rows of Y and X.</summary>
    public int Padding { get; init; }

    /// <summary>Whether Y lies as <c>[N, M]</c>, so that it is read by its rows.</summary>
    public bool HasRows { get; init; }

    internal override string Variant => HasRows ? "added" : "transposed";

    internal override string Size => $"{Tokens}×{Inputs}×{Outputs}";

    internal override double Work => (double)Tokens * Outputs * Inputs;

    internal override bool IsProduct => true;

    private int YStride => (HasRows ? Tokens : Outputs) + Padding;

    private int XStride => Inputs + Padding;

    /// <summary>The same numbers however they lie.</summary>
    private float[] Y
    {
        get
        {
            float[] numbers = Sample.Floats(Tokens + Outputs, Tokens * Outputs);
            (int rows, int columns) = HasRows ? (Outputs, Tokens) : (Tokens, Outputs);
            float[] y = Sample.Floats(4, NumberArrays.PaddedLength(rows, YStride, columns));
            for (int i = 0; i < numbers.Length; i++)
                y[At(i / Outputs, i % Outputs)] = numbers[i];
            return Spoiled(y);
        }
    }

    private float[] X => Spoiled(Sample.Floats(Tokens + Inputs, NumberArrays.PaddedLength(Tokens, XStride, Inputs)));

    private float[] Before => Sample.Floats(3, Outputs * Inputs);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] y = Y, x = X;
        double[] expected = NumberArrays.Doubles(Before);
        for (int i = 0; i < expected.Length; i++)
        {
            for (int row = 0; row < Tokens; row++)
                expected[i] += (double)y[At(row, i / Inputs)] * x[(row * XStride) + (i % Inputs)];
        }
        return [Expectation.Close(expected, tolerance: 1e-6)];
    }

    private int At(int row, int output) => HasRows ? (output * YStride) + row : (row * YStride) + output;

    private protected override Action<FloatGemmKernel> CreateRun()
    {
        GuardedBuffer<float> y = Input<float>(Y), x = Input<float>(X), sums = Output(Before);
        int columns = FloatGemm.Table.Rows.Max(kernel => kernel.Columns);
        GuardedBuffer<float> scratch = Scratch<float>(Tokens * columns);
        return kernel =>
        {
            float* panel = scratch.Pointer + (Tokens * (columns - kernel.Columns)); // ends at the guard page
            (int alongOutputs, int alongTokens) = HasRows ? (YStride, 1) : (1, YStride);
            kernel.AddProduct(
                y.Pointer, alongOutputs, alongTokens, x.Pointer, XStride, Tokens, Outputs, Inputs, sums.Pointer, panel);
        };
    }
}
