using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Cases;

/// <summary>Values to unsigned integers.</summary>
internal sealed unsafe record QuantizeCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<QuantizeCall>>(Quantize.Table)
{
    /// <summary>Whether each token has a scale of its own.</summary>
    public bool IsPerToken { get; init; } = true;

    /// <summary>Whether each column is multiplied by a factor first.</summary>
    public bool HasFactors { get; init; }

    public int MaxValue { get; init; } = 255;

    internal override string Variant => HasFactors ? "with factors" : "";

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool ExpectsExtremes => true;

    private int TokenStride => IsPerToken ? 1 : 0;

    private float[] X => Spoiled(Sample.Floats(Columns, Tokens * Columns, -200f, 300f));

    private float[] Factors => Sample.Floats(2, Columns, 0.5f, 2f);

    private float[] InverseScales
    {
        get
        {
            float[] inverse = Sample.Floats(7, Tokens, 0.1f, 2f), awkward = HasExtremes ? [1f, 1e-30f, 1e30f] : [1f];
            for (int i = 0; i < Math.Min(awkward.Length, Tokens); i++)
                inverse[i] = awkward[i];
            return inverse;
        }
    }

    private int[] ZeroPoints => [.. Enumerable.Range(0, Tokens).Select(token => token * 100 % 256)];

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] x = X, factors = Factors, inverseScales = InverseScales;
        int[] zeroPoints = ZeroPoints;
        var expected = new byte[x.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            int token = i / Columns * TokenStride;
            float value = HasFactors ? x[i] * factors[i % Columns] : x[i];
            float level = MathF.Round(value * inverseScales[token]) + zeroPoints[token];
            expected[i] = float.IsNaN(level) ? (byte)0 : (byte)Math.Clamp(level, 0f, MaxValue);
        }
        return [Expectation.Exact(expected)];
    }

    private protected override Action<RangeKernel<QuantizeCall>> CreateRun()
    {
        var call = new QuantizeCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Target = Output<byte>(Tokens * Columns).Pointer,
            TargetStride = Columns,
            Columns = Columns,
            ColumnFactors = HasFactors ? Input<float>(Factors).Pointer : null,
            InverseScales = Input<float>(InverseScales).Pointer,
            ZeroPoints = Input<int>(ZeroPoints).Pointer,
            ParameterStride = TokenStride,
            MaxValue = MaxValue,
        };
        return kernel => kernel.Run(in call, 0, Tokens);
    }
}
