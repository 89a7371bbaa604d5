using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Tests.Kernels;

/// <summary>Every form of the integer scan against its definition, bit for bit.</summary>
public sealed unsafe class IntegerScanTests
{
    [Theory]
    [InlineData(1, 1, 1, 8)]
    [InlineData(5, 16, 16, 8)]
    [InlineData(33, 37, 16, 4)]
    [InlineData(20, 80, 3, 6)]
    [InlineData(17, 48, 1, 4)]
    [InlineData(65, 130, 16, 8)]
    [InlineData(9, 32, 21, 2)]
    public void Every_form_computes_what_the_definition_says(int tokens, int channels, int states, int bits)
    {
        foreach (bool hasFineScales in (bool[])[false, true])
        {
            foreach (bool reverse in (bool[])[false, true])
            {
                foreach (int groups in (int[])[1, 4])
                    Check(new Case(tokens, channels, states, bits, groups, HasFineScales: hasFineScales, reverse));
            }
        }
    }

    [Fact]
    public void Extreme_operands_saturate_alike()
    {
        var data = new Case(30, 32, 4, 8, 3, HasFineScales: true, Reverse: false) { Magnitude = 1000 };
        Check(data);
    }

    [Fact]
    public void A_split_over_channels_gives_the_same_bits_and_the_output_can_be_added()
    {
        var data = new Case(11, 100, 16, 8, 2, HasFineScales: true, Reverse: false);
        foreach (IntegerScanKernel kernel in IntegerScan.Table.Runnable)
        {
            float[] whole = data.Run(kernel, accumulate: false, 0, 100);
            Assert.Equal(Sample.Bits(whole), Sample.Bits(data.Run(kernel, accumulate: false, 0, 64, 100)));
            Assert.Equal(Sample.Bits([.. whole.Select(y => 1f + y)]), Sample.Bits(data.Run(kernel, accumulate: true, 0, 100)));
        }
    }

    private static void Check(Case data)
    {
        float[] expected = data.Expected();
        Assert.Contains(expected, value => value != 0);
        foreach (IntegerScanKernel kernel in IntegerScan.Table.Runnable)
        {
            float[] actual = data.Run(kernel, accumulate: false, 0, data.Channels);
            int wrong = -1;
            for (int i = 0; i < actual.Length && wrong < 0; i++)
                wrong = BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]) ? i : -1;
            Assert.True(wrong < 0, $"{kernel} {data}: at {wrong} {(wrong < 0 ? 0 : actual[wrong])}, expected {(wrong < 0 ? 0 : expected[wrong])}");
        }
    }

    private sealed record Case(int Tokens, int Channels, int States, int Bits, int Groups, bool HasFineScales, bool Reverse)
    {
        public float Magnitude { get; init; } = 1;

        private float[] U => Sample.Floats(1, Tokens * Channels, -0.3f * Magnitude, 2 * Magnitude);

        /// <summary>Before the softplus: steps of 0.002 to 1.</summary>
        private float[] Delta => Sample.Floats(2, Tokens * Channels, -6, 0.5f);

        private float[] B => Sample.Floats(3, Tokens * States);

        private float[] C => Sample.Floats(4, Tokens * States);

        private Tensor D => Tensor.From([Channels], Sample.Floats(5, Channels));

        public float[] Expected()
        {
            Tensor y = SimulatedScan.Run(
                Scan(), [Ordered(U, Channels), Ordered(Delta, Channels), Ordered(B, States), Ordered(C, States)], D);
            return Ordered(y.Span.ToArray(), Channels).Span.ToArray();
        }

        public float[] Run(IntegerScanKernel kernel, bool accumulate, params int[] splits)
        {
            using var packed = new PackedScan(Scan(), D, Tokens);
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

        private QuantizedScan Scan()
        {
            float levels = (1 << Bits) - 1, signed = Math.Max(1, (1 << (Bits - 1)) - 1);
            sbyte[] rates = [.. Enumerable.Range(0, Channels * States).Select(i => QuantizedScan.RateCode(MathF.Log(1 + (i % States))))];
            float[] channels = HasFineScales ? Sample.Floats(6, Channels, 0.2f, 3) : [1];
            float[] groups = Sample.Floats(7, Math.Min(Groups, Tokens), 0.5f / signed, 3 / signed);
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
                    : UniformQuantizer.Symmetric(Bits, Granularity.PerTensor, [0.9f / signed]),
                Bits == 6 ? DecayQuantizer.Uniform(Bits, 0.1, 1) : DecayQuantizer.LongTailed(Bits, Bits),
                new HiddenStateQuantizer(Bits, Tokens, TimeGroups.Equal(Tokens, Groups), groups, channels, isDithered: HasFineScales),
                rates);
        }

        /// <summary>Rows in the order of the scan.</summary>
        private Tensor Ordered(float[] values, int columns)
        {
            Tensor tensor = Tensor.From([1, Tokens, columns], values);
            for (int t = 0; Reverse && t < Tokens; t++)
                values.AsSpan((Tokens - 1 - t) * columns, columns).CopyTo(tensor.Span[(t * columns)..]);
            return tensor;
        }
    }
}
