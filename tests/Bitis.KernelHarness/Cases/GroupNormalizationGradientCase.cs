using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The backward pass of the norm of groups of channels.</summary>
internal sealed unsafe record GroupNormalizationGradientCase(int Tokens, int Channels, int Groups)
    : KernelCaseOfTable<CallKernel<GroupNormalizationGradientCall>>(GroupNormalizationGradient.Table)
{
    private const float Epsilon = 1e-3f;

    /// <summary>Whether the gradient of the input is added to what is there.</summary>
    public bool Accumulate { get; init; }

    internal override string Size => $"{Tokens}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    private float[] X => Spoiled(Sample.Floats(1, Tokens * Channels));

    private float[] Weight => Sample.Floats(2, Channels);

    private float[] Bias => Sample.Floats(3, Channels);

    private float[] OutputGradient => Sample.Floats(4, Tokens * Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[][] gradients = NumericalGradient.OfEach(Loss, X, Weight, Bias);
        gradients[0] = NumberArrays.Plus(gradients[0], Accumulate ? 1 : 0);
        return [.. gradients.Select(gradient => Expectation.Close(gradient))];
    }

    private double Loss(double[][] operands) => NumericalGradient.Dot(
        ExactNorms.Groups(operands[0], operands[1], operands[2], Epsilon, Groups), OutputGradient);

    private protected override Action<CallKernel<GroupNormalizationGradientCall>> CreateRun()
    {
        var call = new GroupNormalizationGradientCall
        {
            Forward = new GroupNormalizationCall
            {
                Rows = Tokens,
                Columns = Channels,
                Groups = Groups,
                Source = Input<float>(X).Pointer,
                SourceStride = Channels,
                Target = Scratch<float>(Tokens * Channels).Pointer,
                TargetStride = Channels,
                Weight = Input<float>(Weight).Pointer,
                Bias = Input<float>(Bias).Pointer,
                Epsilon = Epsilon,
                Statistics = Scratch<float>(2 * Channels).Pointer,
            },
            Gradients = new LayerGradients
            {
                Output = Input<float>(OutputGradient).Pointer,
                OutputStride = Channels,
                Source = Output(NumberArrays.Repeat(1, Tokens * Channels)).Pointer,
                SourceStride = Channels,
                AccumulateSource = Accumulate,
                Weight = Output<float>(Channels).Pointer,
                Bias = Output<float>(Channels).Pointer,
            },
            Sums = Scratch<float>(2 * Channels).Pointer,
        };
        GroupNormalization.Run(in call.Forward);
        return kernel => kernel.Run(in call);
    }
}
