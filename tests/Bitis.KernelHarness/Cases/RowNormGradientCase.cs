using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of the norm of each token; the centered one has a bias.</summary>
internal sealed unsafe record RowNormGradientCase(int Tokens, int Columns)
    : KernelCaseOfTable<RangeKernel<RowNormGradientCall>>(RowNormGradient.Table)
{
    private const float Epsilon = 1e-3f;

    public bool Center { get; init; }

    /// <summary>Whether the gradient of the input is added to what is there.</summary>
    public bool Accumulate { get; init; }

    internal override string Size => $"{Tokens}×{Columns}";

    internal override double Work => (double)Tokens * Columns;

    internal override bool IsBitExact => false;

    private float[] X => SpoiledForSums(Sample.Floats(1, Tokens * Columns));

    private float[] Weight => Sample.Floats(2, Columns);

    private float[] Bias => Sample.Floats(3, Columns);

    private float[] OutputGradient => Sample.Floats(4, Tokens * Columns);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = Center
            ? NumericalGradient.OfEach(Loss, X, Weight, Bias)
            : NumericalGradient.OfEach(Loss, X, Weight);
        gradients[0] = NumberArrays.Plus(gradients[0], Accumulate ? 1 : 0);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    private double Loss(double[][] operands)
    {
        double[]? bias = Center ? operands[2] : null;
        return NumericalGradient.Dot(ExactNorms.Rows(operands[0], operands[1], bias, Epsilon, Center), OutputGradient);
    }

    private protected override Action<RangeKernel<RowNormGradientCall>> CreateRun()
    {
        var call = new RowNormGradientCall
        {
            Forward = new RowNormCall
            {
                Columns = Columns,
                Source = Input<float>(X).Pointer,
                SourceStride = Columns,
                Weight = Input<float>(Weight).Pointer,
                Bias = Center ? Input<float>(Bias).Pointer : null,
                Epsilon = Epsilon,
                Center = Center,
            },
            Gradients = new LayerGradients
            {
                Output = Input<float>(OutputGradient).Pointer,
                OutputStride = Columns,
                Source = Output(NumberArrays.Repeat(1, Tokens * Columns)).Pointer,
                SourceStride = Columns,
                AccumulateSource = Accumulate,
                Weight = Output<float>(Columns).Pointer,
            },
        };
        call.Gradients.Bias = Center ? Output<float>(Columns).Pointer : Scratch<float>(Columns).Pointer;
        return kernel => kernel.Run(in call, 0, Tokens);
    }
}
