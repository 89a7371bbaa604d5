using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Cases;

/// <summary>The integer linear layer: unsigned 8-bit inputs, and weights of 8 bits or fewer.</summary>
internal sealed unsafe record IntegerGemmCase(
    KernelTable<Int8GemmKernel> Table, int Tokens, int Outputs, int Inputs, int Bits)
    : KernelCaseOfTable<Int8GemmKernel>(Table)
{
    /// <summary>Elements between the rows of the output; the input has as many bytes, in groups of four.</summary>
    public int Padding { get; init; }

    /// <summary>Whether each token has a scale of its own.</summary>
    public bool IsPerToken { get; init; } = true;

    public bool Accumulate { get; init; }

    /// <summary>Whether weights are distributed as in models, not evenly.</summary>
    public bool HasNormalWeights { get; init; }

    /// <summary>Whether the result is the integer sums alone, without zero points and scales.</summary>
    public bool SumsOnly { get; init; }

    internal override string Variant => SumsOnly ? (Accumulate ? "added sums" : "sums") : "";

    private const int SumBefore = 1_234_567;

    internal override string Size => $"{Tokens}×{Inputs}×{Outputs}";

    internal override double Work => (double)Tokens * Outputs * Inputs;

    internal override bool IsProduct => true;

    private int InputStride => (Inputs + Padding + 3) / 4 * 4;

    private int OutputStride => Outputs + Padding;

    private int TokenStride => IsPerToken ? 1 : 0;

    private byte[] A => Sample.Bytes(Tokens + Inputs, Tokens * InputStride);

    private sbyte[] W => HasNormalWeights
        ? Sample.NormalLevels(Outputs + Inputs, Outputs, Inputs, Bits)
        : [.. Sample.Bytes(Outputs + Inputs, Outputs * Inputs).Select(value => (sbyte)((sbyte)value >> (8 - Bits)))];

    private float[] Scales => Spoiled(Sample.Floats(Outputs, Outputs, 0.001f, 0.1f));

    private float[] Bias => Spoiled(Sample.Floats(Outputs + 1, Outputs));

    private float[] TokenScales => Spoiled(Sample.Floats(Tokens, Tokens + 1, 0.001f, 0.1f));

    private int[] ZeroPoints => [.. Sample.Bytes(Tokens, Tokens + 1).Select(value => (int)value)];

    /// <summary>What sums are added to.</summary>
    private int[] EmptySums => [.. Enumerable.Repeat(Accumulate ? SumBefore : 0, Before.Length)];

    private float[] Before => Sample.Floats(Tokens + Outputs, NumberArrays.PaddedLength(Tokens, OutputStride, Outputs));

    internal override IReadOnlyList<Expectation> Expected()
    {
        byte[] a = A;
        sbyte[] w = W;
        int[] sums = EmptySums;
        float[] scales = Scales, bias = Bias, tokenScales = TokenScales, before = Before, expected = [.. before];
        int[] zeroPoints = ZeroPoints;
        for (int row = 0; row < Tokens; row++)
        {
            for (int column = 0; column < Outputs; column++)
            {
                int sum = 0, columnSum = 0;
                for (int k = 0; k < Inputs; k++)
                {
                    sum += a[(row * InputStride) + k] * w[(column * Inputs) + k];
                    columnSum += w[(column * Inputs) + k];
                }
                float value = sum - (zeroPoints[row * TokenStride] * columnSum);
                float scale = tokenScales[row * TokenStride] * scales[column];
                float product = value * scale;
                float y = product + bias[column];
                int i = (row * OutputStride) + column;
                expected[i] = Accumulate ? before[i] + y : y;
                sums[i] = Accumulate ? SumBefore + sum : sum;
            }
        }
        return [Expectation.Exact(SumsOnly ? sums : expected)];
    }

    private protected override Action<Int8GemmKernel> CreateRun()
    {
        GuardedBuffer<byte> input = Input<byte>(A);
        GuardedBuffer<float> tokenScales = Input<float>(TokenScales);
        GuardedBuffer<int> zeroPoints = Input<int>(ZeroPoints);
        sbyte[] w = W;
        float[] scales = Scales, bias = Bias;
        var packed = new Dictionary<Int8GemmKernel, PackedIntegerWeights>();
        foreach (Int8GemmKernel kernel in Table.Runnable)
            packed[kernel] = Own(new PackedIntegerWeights(w, scales, bias, Outputs, Inputs, Bits, kernel));
        if (SumsOnly)
        {
            GuardedBuffer<int> sums = Output(EmptySums);
            return kernel => Int8Gemm.Accumulate(
                packed[kernel], input.Pointer, InputStride, sums.Pointer, OutputStride, 0, Tokens, Accumulate);
        }
        GuardedBuffer<float> output = Output(Before);
        return kernel =>
        {
            var tokens = new TokenParameters(tokenScales.Pointer, zeroPoints.Pointer, TokenStride);
            Int8Gemm.Run(
                packed[kernel], input.Pointer, InputStride, in tokens, output.Pointer, OutputStride, 0, Tokens,
                Accumulate);
        };
    }
}
