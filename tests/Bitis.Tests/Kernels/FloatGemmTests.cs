using Bitis.Runtime.Kernels;

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
            Assert.Equal(Sample.Bits(whole.Span), Sample.Bits(split.Span));
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
