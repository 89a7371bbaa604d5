using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.KernelHarness.Cases;

/// <summary>Values to levels less their zero point, with a scale for each channel.</summary>
internal sealed unsafe record CenterLevelsCase(int Tokens, int Channels, int Bits)
    : KernelCaseOfTable<RangeKernel<CenterLevelsCall>>(CenterLevels.Table)
{
    internal override string Size => $"{Tokens}×{Channels}";

    internal override double Work => (double)Tokens * Channels;

    internal override bool ExpectsExtremes => true;

    private float[] X => Spoiled(Sample.Floats(1, Tokens * Channels, -9f, 9f));

    internal override IReadOnlyList<Expectation> Expected()
    {
        UniformQuantizer quantizer = CreateQuantizer();
        double[] levels = [.. X.Select((value, i) => Level(quantizer, value, i % Channels))];
        return [Expectation.Near(levels, tolerance: 0)]; // -0 counts as 0
    }

    private static double Level(UniformQuantizer quantizer, float value, int channel) =>
        quantizer.Quantize(value, channel) - quantizer.ZeroPoints[channel];

    private protected override Action<RangeKernel<CenterLevelsCall>> CreateRun()
    {
        UniformQuantizer quantizer = CreateQuantizer();
        float[] lowest = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)-zero)];
        float[] highest = [.. quantizer.ZeroPoints.ToArray().Select(zero => (float)(quantizer.MaxLevel - zero))];
        var call = new CenterLevelsCall
        {
            Source = Input<float>(X).Pointer,
            SourceStride = Channels,
            Target = Output<float>(Tokens * Channels).Pointer,
            TargetStride = Channels,
            Columns = Channels,
            InverseScales = Input<float>(quantizer.InverseScales.ToArray()).Pointer,
            Lowest = Input<float>(lowest).Pointer,
            Highest = Input<float>(highest).Pointer,
        };
        return kernel => kernel.Run(in call, 0, Tokens);
    }

    private UniformQuantizer CreateQuantizer()
    {
        float[] lows = Sample.Floats(2, Channels, -7f, 0f), highs = Sample.Floats(3, Channels, 0.1f, 7f);
        ValueRange[] ranges = [.. lows.Zip(highs, (low, high) => new ValueRange(low, high))];
        return UniformQuantizer.ForRanges(Bits, Granularity.PerChannel, ranges);
    }
}
