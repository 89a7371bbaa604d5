using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The mean of the normalized tokens.</summary>
internal sealed unsafe record MeanOfRowNormsCase(int Tokens, int Columns)
    : KernelCaseOfTable<CallKernel<MeanOfRowNormsCall>>(MeanOfRowNorms.Table)
{
    private const float Epsilon = 1e-5f;

    /// <summary>The row of each token in the input; null for the same rows.</summary>
    internal int[]? RowMap { get; init; }

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool IsBitExact => false;

    private int SourceRows => RowMap is null ? Tokens : RowMap.Max() + 1;

    private float[] X => SpoiledForSums(Sample.Floats(Columns, SourceRows * Columns, -1f, 3f));

    private float[] Weight => Sample.Floats(3, Columns);

    private float[] Bias => Sample.Floats(4, Columns);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] norms = ExactNorms.Rows(
            NumberArrays.Doubles(X), NumberArrays.Doubles(Weight), NumberArrays.Doubles(Bias), Epsilon, center: true);
        var expected = new double[Columns];
        for (int token = 0; token < Tokens; token++)
        {
            for (int c = 0; c < Columns; c++)
                expected[c] += norms[((RowMap?[token] ?? token) * Columns) + c] / Tokens;
        }
        return [Expectation.Near(expected, 1e-5)];
    }

    private protected override Action<CallKernel<MeanOfRowNormsCall>> CreateRun()
    {
        var call = new MeanOfRowNormsCall
        {
            Rows = Tokens,
            Columns = Columns,
            Source = Input<float>(X).Pointer,
            SourceStride = Columns,
            RowMap = RowMap is null ? null : Input<int>(RowMap).Pointer,
            Weight = Input<float>(Weight).Pointer,
            Bias = Input<float>(Bias).Pointer,
            Epsilon = Epsilon,
            Mean = Output<float>(Columns).Pointer,
        };
        return kernel => kernel.Run(in call);
    }
}
