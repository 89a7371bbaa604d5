using Bitis.Kernels.Convolution;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class CausalConvTests
{
    [Theory]
    [InlineData(0, 16, 4)]
    [InlineData(1, 1, 4)]
    [InlineData(2, 17, 4)]
    [InlineData(9, 37, 4)]
    [InlineData(9, 16, 1)]
    [InlineData(3, 20, 7)]
    public void Every_form_follows_the_definition_and_all_forms_agree_bit_for_bit(int tokens, int channels, int taps)
    {
        foreach (bool reverse in new[] { false, true })
        {
            int[]? first = null;
            double[] expected = Reference(tokens, channels, taps, reverse);
            foreach (CausalConvKernel kernel in CausalConv.Table.Runnable)
            {
                float[] y = Run(kernel, tokens, channels, taps, reverse, 0, channels);
                for (int i = 0; i < y.Length; i++)
                    Assert.True(Math.Abs(y[i] - expected[i]) <= 2e-6, $"{kernel} at {i}: {y[i]}, not {expected[i]}");
                first ??= Sample.Bits(y);
                Assert.Equal(first, Sample.Bits(y));
                float[] split = Run(kernel, tokens, channels, taps, reverse, 0, channels / 3, channels);
                Assert.Equal(first, Sample.Bits(split));
                float[] mapped = Run(kernel, tokens, channels, taps, reverse, [0, channels / 3, channels], isMapped: true);
                Assert.Equal(first, Sample.Bits(mapped));
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(3)]
    public void Rows_that_an_index_map_leaves_out_are_zeros(int taps)
    {
        int[] rows = [2, -1, 0, -1, 1];
        float[] x = Sample.Floats(1, 3 * 17), arranged = new float[5 * 17];
        for (int i = 0; i < arranged.Length; i++)
            arranged[i] = rows[i / 17] < 0 ? 0 : x[rows[i / 17] * 17 + i % 17];
        foreach (CausalConvKernel kernel in CausalConv.Table.Runnable)
        {
            Assert.Equal(
                Sample.Bits(Run(kernel, arranged, 5, 17, taps, reverse: true, rows: null, 0, 17)),
                Sample.Bits(Run(kernel, x, 5, 17, taps, reverse: true, rows, 0, 17)));
        }
    }

    [Theory]
    [InlineData(9, 37, 4)]
    [InlineData(2, 17, 4)]
    [InlineData(5, 20, 7)]
    public void Sums_of_levels_are_exact_and_scaled_by_channel(int tokens, int channels, int taps)
    {
        float[] x = Sample.Levels(1, tokens * channels, -200, 255), w = Sample.Levels(2, taps * channels, -127, 127);
        float[] scales = Sample.Floats(4, channels, 1e-4f, 1e-3f), bias = Sample.Floats(3, channels);
        var values = new float[x.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int sum = 0;
            for (int k = 0; k < taps && i / channels - (taps - 1 - k) < tokens; k++)
            {
                int from = i - (taps - 1 - k) * channels;
                sum += from >= 0 ? (int)w[i % channels * taps + k] * (int)x[from] : 0;
            }
            float product = sum * scales[i % channels];
            values[i] = product + bias[i % channels];
        }
        int[] expected = Sample.Bits(Sample.Silu(values));
        foreach (CausalConvKernel kernel in CausalConv.Table.Runnable)
            Assert.Equal(expected, Sample.Bits(Run(kernel, x, w, scales, tokens, channels, taps, reverse: false, rows: null, 0, channels)));
    }

    [Fact]
    public void Packing_transposes_and_checks_lengths()
    {
        var packed = new float[6];
        CausalConv.PackWeights([1, 2, 3, 4, 5, 6], packed, channels: 2, taps: 3);
        Assert.Equal([1, 4, 2, 5, 3, 6], packed);
        Assert.Throws<ArgumentException>(() => CausalConv.PackWeights([1f], packed, 2, 3));
    }

    private static float[] Run(CausalConvKernel kernel, int tokens, int channels, int taps, bool reverse, params int[] cuts) =>
        Run(kernel, tokens, channels, taps, reverse, cuts, isMapped: false);

    /// <summary>With an index map the tokens lie in memory from the last to the first.</summary>
    private static float[] Run(CausalConvKernel kernel, int tokens, int channels, int taps, bool reverse, int[] cuts, bool isMapped)
    {
        float[] x = Sample.Floats(1, tokens * channels);
        if (!isMapped)
            return Run(kernel, x, tokens, channels, taps, reverse, rows: null, cuts);
        float[] backwards = [.. x.Chunk(channels).Reverse().SelectMany(row => row)];
        return Run(kernel, backwards, tokens, channels, taps, reverse, [.. Enumerable.Range(0, tokens).Reverse()], cuts);
    }

    private static float[] Run(
        CausalConvKernel kernel, float[] x, int tokens, int channels, int taps, bool reverse, int[]? rows, params int[] cuts) =>
        Run(kernel, x, Sample.Floats(2, taps * channels), scales: null, tokens, channels, taps, reverse, rows, cuts);

    private static float[] Run(
        CausalConvKernel kernel, float[] x, float[] w, float[]? scales, int tokens, int channels, int taps, bool reverse, int[]? rows, params int[] cuts)
    {
        var packed = new float[taps * channels];
        CausalConv.PackWeights(w, packed, channels, taps);
        using var source = new GuardedBuffer<float>(x);
        using var weights = new GuardedBuffer<float>(packed);
        using var bias = new GuardedBuffer<float>(Sample.Floats(3, channels));
        using var factors = new GuardedBuffer<float>(scales ?? []);
        using var target = new GuardedBuffer<float>(tokens * channels);
        using var map = NativeBuffer<int>.Of(rows ?? []);
        var call = new CausalConvCall
        {
            Tokens = tokens,
            Taps = taps,
            Reverse = reverse,
            Source = source.Pointer,
            SourceStride = channels,
            Rows = rows is null ? null : map.Pointer,
            Weights = weights.Pointer,
            WeightStride = channels,
            Scales = scales is null ? null : factors.Pointer,
            Bias = bias.Pointer,
            Target = target.Pointer,
            TargetStride = channels,
        };
        for (int i = 1; i < cuts.Length; i++)
            kernel.Run(in call, cuts[i - 1], cuts[i]);
        return target.Span.ToArray();
    }

    private static double[] Reference(int tokens, int channels, int taps, bool reverse)
    {
        float[] x = Sample.Floats(1, tokens * channels), w = Sample.Floats(2, taps * channels);
        float[] bias = Sample.Floats(3, channels);
        var y = new double[x.Length];
        for (int t = 0; t < tokens; t++)
        {
            for (int e = 0; e < channels; e++)
            {
                double sum = bias[e];
                for (int k = 0; k < taps; k++)
                {
                    int distance = taps - 1 - k;
                    int from = reverse ? t + distance : t - distance;
                    if (from >= 0 && from < tokens)
                        sum += (double)w[(e * taps) + k] * x[(from * channels) + e];
                }
                y[(t * channels) + e] = sum / (1 + Math.Exp(-sum));
            }
        }
        return y;
    }
}
