using Bitis.Kernels.Scan;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Tests.Kernels;

/// <summary>A quantized scan with operands that are made up.</summary>
internal sealed unsafe record IntegerScanCase(int Tokens, int Channels, int States, int Bits, int Groups, bool HasFineScales, bool Reverse)
{
    public float Magnitude { get; init; } = 1;

    /// <summary>Whether the grids cover all values, those of the hidden states included.</summary>
    public bool CoversAll { get; init; }

    /// <summary>Whether NaN, infinities and extremes are among the operands.</summary>
    public bool IsSpoiled { get; init; }

    public float[] U => Spoiled(Sample.Floats(1, Tokens * Channels, -0.3f * Magnitude, 2 * Magnitude));

    /// <summary>Before the softplus: steps of 0.002 to 1.</summary>
    public float[] Delta => Spoiled(Sample.Floats(2, Tokens * Channels, -6, 0.5f));

    public float[] B => Spoiled(Sample.Floats(3, Tokens * States));

    public float[] C => Spoiled(Sample.Floats(4, Tokens * States));

    /// <summary>ln |A|: the states decay at 1, 2, 3, …</summary>
    public Tensor ALog => Tensor.From([Channels, States], [.. Enumerable.Range(0, Channels * States).Select(i => MathF.Log(1 + (i % States)))]);

    public Tensor D => Tensor.From([Channels], Sample.Floats(5, Channels));

    public float[] Expected()
    {
        Tensor y = SimulatedScan.Run(
            Scan(), [Ordered(U, Channels), Ordered(Delta, Channels), Ordered(B, States), Ordered(C, States)], D);
        return Ordered(y.Span.ToArray(), Channels).Span.ToArray();
    }

    public float[] Run(IntegerScanKernel kernel, bool accumulate, params int[] splits)
    {
        using var packed = new PackedScan(Scan().TablesFor(D, Tokens));
        using var u = new GuardedBuffer<float>(U);
        using var delta = new GuardedBuffer<float>(Delta);
        using var b = new GuardedBuffer<float>(B);
        using var c = new GuardedBuffer<float>(C);
        using var y = new GuardedBuffer<float>(Tokens * Channels);
        y.Span.Fill(1);
        var call = new IntegerScanCall
        {
            Tokens = Tokens,
            Reverse = Reverse,
            Accumulate = accumulate,
            U = u.Pointer,
            UStride = Channels,
            Delta = delta.Pointer,
            DeltaStride = Channels,
            B = b.Pointer,
            BStride = States,
            C = c.Pointer,
            CStride = States,
            Y = y.Pointer,
            YStride = Channels,
        };
        foreach ((int start, int end) in splits.Zip(splits.Skip(1)))
            kernel.Run(packed, in call, start, end);
        return y.Span.ToArray();
    }

    public QuantizedScan Scan()
    {
        float levels = (1 << Bits) - 1, signed = Math.Max(1, (1 << (Bits - 1)) - 1);
        sbyte[] rates = [.. ALog.Span.ToArray().Select(QuantizedScan.RateCode)];
        float[] channels = HasFineScales ? Sample.Floats(6, Channels, 0.2f, 3) : [1];
        float[] groups = Sample.Floats(7, Math.Min(Groups, Tokens), (CoversAll ? 8 : 0.5f) / signed, (CoversAll ? 8 : 3) / signed);
        return new QuantizedScan(
            HasFineScales
                ? UniformQuantizer.ForRanges(Bits, Granularity.PerChannel, [.. Sample.Floats(8, Channels, 0.5f, 2).Select(high => new ValueRange(-0.3f, high))])
                : UniformQuantizer.ForRanges(Bits, Granularity.PerTensor, [new(-0.3f, 2)]),
            HasFineScales ? DeltaQuantizer.BeforeSoftplus(Bits, 6 / levels, -5.5f) : DeltaQuantizer.AfterSoftplus(Bits, 1 / levels),
            HasFineScales
                ? UniformQuantizer.Symmetric(Bits, Granularity.PerToken, Sample.Floats(9, Tokens, 0.5f / signed, 1 / signed))
                : UniformQuantizer.Symmetric(Bits, Granularity.PerTensor, [1 / signed]),
            HasFineScales
                ? UniformQuantizer.Symmetric(Bits, Granularity.PerToken, Sample.Floats(10, Tokens, 0.5f / signed, 1 / signed))
                : UniformQuantizer.Symmetric(Bits, Granularity.PerTensor, [(CoversAll ? 1 : 0.9f) / signed]),
            Bits == 6 ? DecayQuantizer.Uniform(Bits, 0.1, 1) : DecayQuantizer.LongTailed(Bits, Bits, scale: 0.93), // half of an odd level would be a tie
            new HiddenStateQuantizer(Bits, Tokens, TimeGroups.Equal(Tokens, Groups), groups, channels, isDithered: HasFineScales),
            rates);
    }

    /// <summary>Rows in the order of the scan.</summary>
    public Tensor Ordered(float[] values, int columns)
    {
        Tensor tensor = Tensor.From([1, Tokens, columns], values);
        for (int t = 0; Reverse && t < Tokens; t++)
            values.AsSpan((Tokens - 1 - t) * columns, columns).CopyTo(tensor.Span[(t * columns)..]);
        return tensor;
    }

    private float[] Spoiled(float[] values) => IsSpoiled ? Sample.Spoiled(values) : values;
}
