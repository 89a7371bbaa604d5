using Bitis.Kernels.Gemm;

namespace Bitis.Tests.Kernels;

public sealed unsafe class FloatGemmTests
{
    private const float Untouched = 12345f;

    [Fact]
    public void Every_form_is_within_rounding_of_float64_and_all_forms_agree_bit_for_bit()
    {
        foreach (int m in new[] { 0, 1, 2, 5, 8, 13 })
        {
            foreach (int n in new[] { 0, 1, 3, 12, 16, 33, 44, 64 })
            {
                foreach (int k in new[] { 0, 1, 2, 5, 48 })
                {
                    Check(m, n, k, accumulate: false, withBias: true);
                    Check(m, n, k, accumulate: true, withBias: false);
                }
            }
        }
    }

    [Fact]
    public void Rows_outside_the_range_stay_untouched_and_a_split_gives_the_same_bits()
    {
        const int M = 11, N = 37, K = 29;
        float[] w = Sample.Floats(1, N * K), a = Sample.Floats(2, M * K);
        foreach (FloatGemmKernel kernel in FloatGemm.Table.Runnable)
        {
            using var weights = new PackedFloatWeights(w, [], N, K, kernel);
            using var input = new GuardedBuffer<float>(a);
            using var whole = new GuardedBuffer<float>(M * N);
            using var split = new GuardedBuffer<float>(M * N);
            FloatGemm.Run(weights, input.Pointer, K, whole.Pointer, N, 0, M, accumulate: false);
            split.Span.Fill(Untouched);
            FloatGemm.Run(weights, input.Pointer, K, split.Pointer, N, 3, 4, accumulate: false);
            Assert.Equal(-1, split.Span[..(3 * N)].IndexOfAnyExcept(Untouched));
            Assert.Equal(-1, split.Span[(4 * N)..].IndexOfAnyExcept(Untouched));
            FloatGemm.Run(weights, input.Pointer, K, split.Pointer, N, 0, 3, accumulate: false);
            FloatGemm.Run(weights, input.Pointer, K, split.Pointer, N, 4, M, accumulate: false);
            using var panels = new GuardedBuffer<float>(M * N);
            for (int panel = weights.PanelCount - 1; panel >= 0; panel--)
                FloatGemm.RunPanels(weights, input.Pointer, K, panels.Pointer, N, M, panel, panel + 1);
            Assert.Equal(Sample.Bits(whole.Span), Sample.Bits(panels.Span));
            Assert.Equal(Sample.Bits(whole.Span), Sample.Bits(split.Span));
        }
    }

    [Fact]
    public void The_transposed_product_adds_in_the_order_of_the_tokens_in_all_forms()
    {
        foreach ((int m, int n, int k) in new[] { (0, 3, 4), (1, 1, 1), (5, 9, 33), (20, 8, 64), (13, 40, 7) })
        {
            int ldy = n + 3, ldx = k + 1;
            float[] y = Sample.Floats(m + n, Math.Max(1, m * ldy)), x = Sample.Floats(m + k, Math.Max(1, m * ldx)), start = Sample.Floats(3, n * k);
            var expected = new double[n * k];
            for (int i = 0; i < expected.Length; i++)
            {
                expected[i] = start[i];
                for (int row = 0; row < m; row++)
                    expected[i] += (double)y[(row * ldy) + (i / k)] * x[(row * ldx) + (i % k)];
            }
            int[]? first = null;
            foreach (FloatGemmKernel kernel in FloatGemm.Table.Runnable)
            {
                using var c = new GuardedBuffer<float>(start);
                using var scratch = new GuardedBuffer<float>(m * kernel.Columns);
                fixed (float* yp = y, xp = x)
                    kernel.AddTransposed(yp, ldy, xp, ldx, m, n, k, c.Pointer, scratch.Pointer);
                NumericalGradient.AssertClose(expected, c.Span, $"{kernel} {m}x{n}x{k}", tolerance: 1e-6);
                first ??= Sample.Bits(c.Span);
                Assert.Equal(first, Sample.Bits(c.Span));
            }
        }
    }

    [Fact]
    public void A_transposed_packing_holds_the_transposed_weights()
    {
        float[] w = Sample.Floats(1, 37 * 5), transposed = new float[w.Length];
        for (int i = 0; i < w.Length; i++)
            transposed[(i % 5 * 37) + (i / 5)] = w[i];
        foreach (FloatGemmKernel kernel in FloatGemm.Table.Runnable)
        {
            using var expected = new PackedFloatWeights(w, [], 37, 5, kernel);
            using var actual = new PackedFloatWeights(37, 5, kernel);
            actual.PackTransposed(transposed);
            int length = (37 + kernel.Columns - 1) / kernel.Columns * kernel.Columns * 5;
            Assert.Equal(
                Sample.Bits(new ReadOnlySpan<float>(expected.Panels, length)), Sample.Bits(new ReadOnlySpan<float>(actual.Panels, length)));
            Assert.Throws<ArgumentException>(() => actual.PackTransposed(new float[3]));
        }
    }

    [Fact]
    public void Packing_refuses_lengths_that_do_not_match()
    {
        Assert.Throws<ArgumentException>(() => new PackedFloatWeights(new float[5], [], 2, 3));
        Assert.Throws<ArgumentException>(() => new PackedFloatWeights(new float[6], new float[3], 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedFloatWeights([], [], -1, 3));
    }

    private static void Check(int m, int n, int k, bool accumulate, bool withBias)
    {
        int lda = k + 3, ldc = n + 5;
        float[] a = Sample.Floats(m + k, m == 0 ? 0 : ((m - 1) * lda) + k);
        float[] w = Sample.Floats(n + k, n * k);
        float[] bias = withBias ? Sample.Floats(n, n) : [];
        float[] before = Sample.Floats(m + n, m == 0 ? 0 : ((m - 1) * ldc) + n);

        int[]? first = null;
        foreach (FloatGemmKernel kernel in FloatGemm.Table.Runnable)
        {
            using var weights = new PackedFloatWeights(w, bias, n, k, kernel);
            using var input = new GuardedBuffer<float>(a);
            using var output = new GuardedBuffer<float>(before);
            FloatGemm.Run(weights, input.Pointer, lda, output.Pointer, ldc, 0, m, accumulate);
            for (int i = 0; i < output.Length; i++)
            {
                int row = i / ldc, column = i % ldc;
                if (column >= n)
                {
                    Assert.Equal(before[i], output.Span[i]);
                    continue;
                }
                double expected = (withBias ? bias[column] : 0) + (accumulate ? before[i] : 0);
                double magnitude = Math.Abs(expected) + 1;
                for (int j = 0; j < k; j++)
                {
                    double product = (double)a[(row * lda) + j] * w[(column * k) + j];
                    expected += product;
                    magnitude += Math.Abs(product);
                }
                Assert.True(Math.Abs(output.Span[i] - expected) <= (k + 3) * 6e-8 * magnitude,
                    $"{kernel} {m}x{n}x{k} at {row},{column}: {output.Span[i]}, expected {expected}");
            }
            first ??= Sample.Bits(output.Span);
            Assert.Equal(first, Sample.Bits(output.Span));
        }
    }
}
