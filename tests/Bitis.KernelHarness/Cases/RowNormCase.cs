using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The norm of each token, of the sum of a residual stream and an input.</summary>
internal sealed unsafe record RowNormCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<RowNormCall>>(RowNorm.Table)
{
    private const float Epsilon = 1e-5f;

    public bool Center { get; init; }

    /// <summary>Whether the input is written to the residual stream.</summary>
    public bool HasResidual { get; init; }

    /// <summary>Whether the input is added to the residual stream first.</summary>
    public bool Accumulate { get; init; }

    public bool HasBias { get; init; }

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool IsBitExact => false;

    private float[] X => SpoiledForSums(Sample.Floats(Columns, Tokens * Columns, -1f, 3f));

    private float[] Residual => Sample.Floats(Columns + 1, Tokens * Columns);

    private float[] Weight => Sample.Floats(3, Columns, 0.5f, 2f);

    private float[] Bias => Sample.Floats(4, Columns);

    internal override IReadOnlyList<Expectation> Expected()
    {
        float[] before = Residual;
        float[] stream = [.. X.Select((value, i) => HasResidual && Accumulate ? value + before[i] : value)];
        double[] expected = ExactNorms.Rows(
            NumberArrays.Doubles(stream),
            NumberArrays.Doubles(Weight),
            HasBias ? NumberArrays.Doubles(Bias) : null,
            Epsilon,
            Center);
        return [Expectation.Exact(HasResidual ? stream : before), Expectation.Near(expected, 1e-5)];
    }

    private protected override Action<RangeKernel<RowNormCall>> CreateRun()
    {
        GuardedBuffer<float> residual = Output(Residual);
        var call = new RowNormCall
        {
            Columns = Columns,
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            Residual = HasResidual ? residual.Pointer : null,
            ResidualStride = Columns,
            AccumulateResidual = Accumulate,
            Target = Output<float>(Tokens * Columns).Pointer,
            TargetStride = Columns,
            Weight = Input<float>(Weight).Pointer,
            Bias = HasBias ? Input<float>(Bias).Pointer : null,
            Epsilon = Epsilon,
            Center = Center,
        };
        return kernel => kernel.Run(in call, 0, Tokens);
    }
}
