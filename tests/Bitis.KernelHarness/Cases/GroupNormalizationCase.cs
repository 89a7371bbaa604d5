using Bitis.KernelHarness.Operands;
using Bitis.KernelHarness.References;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.KernelHarness.Cases;

/// <summary>The norm of groups of channels, in place.</summary>
internal sealed unsafe record GroupNormalizationCase(int Tokens, int Channels, int Groups)
    : KernelCaseOfTable<CallKernel<GroupNormalizationCall>>(GroupNormalization.Table)
{
    private const float Epsilon = 1e-3f;

    internal override string Size => $"{Tokens}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    private float[] X => Spoiled(Sample.Floats(1, Tokens * Channels, -2, 3));

    private float[] Weight => Sample.Floats(2, Channels);

    private float[] Bias => Sample.Floats(3, Channels);

    internal override IReadOnlyList<Expectation> Expected()
    {
        double[] x = NumberArrays.Doubles(X), weight = NumberArrays.Doubles(Weight), bias = NumberArrays.Doubles(Bias);
        return [Expectation.Close(ExactNorms.Groups(x, weight, bias, Epsilon, Groups))];
    }

    private protected override Action<CallKernel<GroupNormalizationCall>> CreateRun()
    {
        GuardedBuffer<float> x = Output(X);
        var call = new GroupNormalizationCall
        {
            Rows = Tokens,
            Columns = Channels,
            Groups = Groups,
            Source = x.Pointer,
            SourceStride = Channels,
            Target = x.Pointer,
            TargetStride = Channels,
            Weight = Input<float>(Weight).Pointer,
            Bias = Input<float>(Bias).Pointer,
            Epsilon = Epsilon,
            Statistics = Scratch<float>(2 * Channels).Pointer,
        };
        return kernel => kernel.Run(in call);
    }
}
