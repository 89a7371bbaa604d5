using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.KernelHarness.Cases;

/// <summary>A quantized scan with operands that are made up.</summary>
internal sealed unsafe record IntegerScanCase(int Tokens, int Channels, int States, int Bits, int Groups)
    : KernelCaseOfTable<RangeKernel<IntegerScanCall>>(IntegerScan.Table)
{
    /// <summary>Whether channels and tokens have scales of their own, and the hidden states are dithered.</summary>
    public bool HasFineScales { get; init; }

    public bool Reverse { get; init; }

    public bool Accumulate { get; init; }

    /// <summary>A factor of u.</summary>
    public float Magnitude { get; init; } = 1;

    /// <summary>Whether the quantizers' ranges cover all values, those of the hidden states included.</summary>
    public bool CoversAll { get; init; }

    /// <summary>Whether some codes of A are so low or so high that indices of Ā reach both of their limits.</summary>
    public bool HasExtremeRates { get; init; }

    /// <summary>Where the channels are split into several calls; multiples of 64.</summary>
    internal int[] Cuts { get; init; } = [];

    internal override string Variant => $"{States} states";

    internal override string Size => $"{Tokens}×{Channels}×{States}";

    internal override double Work => (double)Tokens * Channels * States;

    internal override bool ExpectsExtremes => true;

    internal float[] U => Spoiled(Sample.Floats(1, Tokens * Channels, -0.3f * Magnitude, 2 * Magnitude));

    /// <summary>Before the softplus: steps of 0.002 to 1.</summary>
    internal float[] Delta => Spoiled(Sample.Floats(2, Tokens * Channels, -6, 0.5f));

    internal float[] B => Spoiled(Sample.Floats(3, Tokens * States));

    internal float[] C => Spoiled(Sample.Floats(4, Tokens * States));

    /// <summary>ln |A|: the states decay at 1, 2, 3, …</summary>
    internal FloatTensor ALog => FloatTensor.From(
        [Channels, States],
        [
            .. Enumerable.Range(0, Channels * States).Select(i => (HasExtremeRates ? i % 5 : 0) switch
            {
                1 => -12,
                2 => 12,
                _ => MathF.Log(1 + (i % States)),
            }),
        ]);

    internal FloatTensor D => FloatTensor.From([Channels], Sample.Floats(5, Channels));

    internal override IReadOnlyList<Expectation> Expected()
    {
        FloatTensor[] inputs =
            [Ordered(U, Channels), Ordered(Delta, Channels), Ordered(B, States), Ordered(C, States)];
        FloatTensor y = SimulatedScan.Run(CreateScan(), inputs, D);
        float[] expected = Ordered(y.Span.ToArray(), Channels).Span.ToArray();
        return [Expectation.Exact(Array.ConvertAll(expected, value => Accumulate ? 1 + value : value))];
    }

    private protected override Action<RangeKernel<IntegerScanCall>> CreateRun()
    {
        PackedScan packed = Own(new PackedScan(CreateScan().TablesFor(D, Tokens)));
        var call = new IntegerScanCall
        {
            Scan = packed,
            Tokens = Tokens,
            Reverse = Reverse,
            Accumulate = Accumulate,
            U = Input<float>(U).Pointer,
            UStride = Channels,
            Delta = Input<float>(Delta).Pointer,
            DeltaStride = Channels,
            B = Input<float>(B).Pointer,
            BStride = States,
            C = Input<float>(C).Pointer,
            CStride = States,
            Y = Output(NumberArrays.Repeat(1, Tokens * Channels)).Pointer,
            YStride = Channels,
        };
        int[] cuts = [0, .. Cuts, Channels];
        return kernel =>
        {
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
        };
    }

    /// <summary>The quantizers of all operands.</summary>
    internal QuantizedScan CreateScan()
    {
        float levels = (1 << Bits) - 1, signed = Math.Max(1, (1 << (Bits - 1)) - 1);
        sbyte[] rates = [.. ALog.Span.ToArray().Select(QuantizedScan.RateCode)];
        float[] channels = HasFineScales ? Sample.Floats(6, Channels, 0.2f, 3) : [1];
        (float low, float high) = CoversAll ? (8 / signed, 8 / signed) : (0.5f / signed, 3 / signed);
        float[] groups = Sample.Floats(7, Math.Min(Groups, Tokens), low, high);
        ValueRange[] ranges = [.. Sample.Floats(8, Channels, 0.5f, 2).Select(high => new ValueRange(-0.3f, high))];
        return new QuantizedScan(
            HasFineScales
                ? UniformQuantizer.ForRanges(Bits, Granularity.PerChannel, ranges)
                : UniformQuantizer.ForRanges(Bits, Granularity.PerTensor, [new(-0.3f, 2)]),
            HasFineScales
                ? DeltaQuantizer.BeforeSoftplus(Bits, 6 / levels, -5.5f)
                : DeltaQuantizer.AfterSoftplus(Bits, 1 / levels),
            HasFineScales
                ? UniformQuantizer.Symmetric(
                    Bits, Granularity.PerToken, Sample.Floats(9, Tokens, 0.5f / signed, 1 / signed))
                : UniformQuantizer.Symmetric(Bits, Granularity.PerTensor, [1 / signed]),
            HasFineScales
                ? UniformQuantizer.Symmetric(
                    Bits, Granularity.PerToken, Sample.Floats(10, Tokens, 0.5f / signed, 1 / signed))
                : UniformQuantizer.Symmetric(Bits, Granularity.PerTensor, [(CoversAll ? 1 : 0.9f) / signed]),
            // Half of an odd level would be a tie.
            Bits == 6 ? DecayQuantizer.Uniform(Bits, 0.1, 1) : DecayQuantizer.LongTailed(Bits, Bits, scale: 0.93),
            new HiddenStateQuantizer(
                Bits, Tokens, TimeGroups.Equal(Tokens, Groups), groups, channels, isDithered: HasFineScales),
            rates);
    }

    /// <summary>Rows in the order of the scan.</summary>
    internal FloatTensor Ordered(float[] values, int columns)
    {
        FloatTensor tensor = FloatTensor.From([1, Tokens, columns], values);
        for (int t = 0; Reverse && t < Tokens; t++)
            values.AsSpan((Tokens - 1 - t) * columns, columns).CopyTo(tensor.Span[(t * columns)..]);
        return tensor;
    }
}
