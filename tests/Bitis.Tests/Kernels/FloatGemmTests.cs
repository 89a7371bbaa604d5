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
                    var data = new FloatGemmCase(m, n, k) { Padding = 3 };
                    KernelAssert.FormsAgree(data);
                    KernelAssert.FormsAgree(data with { Accumulate = true, HasBias = false });
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
            var data = new FloatGemmTransposedCase(m, n, k) { Padding = 3 };
            KernelAssert.FormsAgree(data);
            KernelAssert.FormsAgree(data with { HasRows = true });
            KernelAssert.SameBits(data, data with { HasRows = true });
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
                Sample.Bits(new ReadOnlySpan<float>(expected.Panels, length)), Sample.Bits(
                    new ReadOnlySpan<float>(actual.Panels, length)));
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
}
