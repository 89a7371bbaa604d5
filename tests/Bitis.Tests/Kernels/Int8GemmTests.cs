using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class Int8GemmTests
{
    private static readonly KernelTable<Int8GemmKernel>[] Tables =
        [Int8Gemm.Table, Int8Gemm.PairTable, Int8Gemm.NibbleTable];

    [Fact]
    public void Every_form_equals_the_scalar_formula_bit_for_bit()
    {
        foreach (int m in new[] { 0, 1, 2, 6, 7, 13 })
        {
            foreach (int n in new[] { 0, 1, 3, 12, 16, 33, 44, 64, 130 })
            {
                foreach (int k in new[] { 0, 1, 3, 4, 5, 17, 64, 70 })
                {
                    foreach (KernelTable<Int8GemmKernel> table in Tables)
                    {
                        var data = new IntegerGemmCase(table, m, n, k, Bits: 4) { Padding = 3 };
                        KernelAssert.FormsAgree(data);
                        KernelAssert.FormsAgree(data with { SumsOnly = true });
                        KernelAssert.FormsAgree(data with { SumsOnly = true, Accumulate = true });
                    }
                    var pairs = new IntegerGemmCase(Int8Gemm.PairTable, m, n, k, Int8Gemm.PairBits) { Padding = 3 };
                    KernelAssert.FormsAgree(pairs);
                    KernelAssert.FormsAgree(pairs with { HasNormalWeights = k > 0 });
                    var bytes = new IntegerGemmCase(Int8Gemm.Table, m, n, k, Bits: 8) { Padding = 3 };
                    KernelAssert.FormsAgree(bytes);
                    KernelAssert.FormsAgree(bytes with { IsPerToken = false, Accumulate = true });
                }
            }
        }
    }

    [Fact]
    public void Extreme_values_neither_saturate_nor_overflow()
    {
        // The longest row allowed, the largest activation, the smallest and the largest weight.
        const int K = PackedIntegerWeights.MaxInputs;
        foreach (Int8GemmKernel kernel in Tables.SelectMany(table => table.Runnable))
        {
            int largest = 1 << (kernel.WeightBits - 1);
            var w = new sbyte[2 * K];
            w.AsSpan(0, K).Fill((sbyte)-largest);
            w.AsSpan(K).Fill((sbyte)(largest - 1));
            using var weights = new PackedIntegerWeights(w, [1f, 1f], [], 2, K, kernel.WeightBits, kernel);
            using var a = new GuardedBuffer<byte>(weights.Groups * 4);
            a.Span.Fill(255);
            using var sums = new GuardedBuffer<int>(2);
            Int8Gemm.Accumulate(weights, a.Pointer, a.Length, sums.Pointer, 2, 0, 1);
            Assert.Equal([-largest * 255 * K, (largest - 1) * 255 * K], sums.Span.ToArray());
        }
    }

    [Fact]
    public void Sums_that_reach_the_limits_of_a_run_are_exact()
    {
        // Rows of weights, over and over: all at a limit; in turn; so that Σ|w| of two groups is 255, 256, 257.
        sbyte[][] patterns =
        [
            [63], [-64], [63, -64], [63, 63, -64, -64], [-64, 63, 63, -64], [0, 0, 0, 0, 63, -64, 1, 0], [1, 0],
            [63, 63, 0, 0, 63, 63, 0, 0, 3, 0, 0, 0], [-64, -63, 0, 0, -64, -64, 0, 0], [63, -64, 0, 0, -64, -64],
            [-64, -64, 0, 0, -64, -64, 0, 0, 1, 0, 0, 0], [0, 0, 63, 63, 0, 0, 63, 2, 0, 0, 63, 63, 0, 0, 0, 1],
        ];
        foreach (int k in new[] { 1, 2, 5, 8, 12, 31, 64, 133 })
        {
            foreach (byte low in new byte[] { 0, 255 })
            {
                byte[] a = [.. Enumerable.Range(0, 2 * 136).Select(i => i < 136 || i % 3 == 0 ? low : (byte)~low)];
                sbyte[] w =
                [
                    .. patterns.SelectMany(pattern => Enumerable.Range(0, k).Select(i => pattern[i % pattern.Length])),
                ];
                int[] expected =
                [
                    .. Enumerable.Range(0, 2 * patterns.Length).Select(i => Enumerable.Range(0, k).Sum(
                        j => a[(i / patterns.Length * 136) + j] * w[(i % patterns.Length * k) + j])),
                ];
                foreach (Int8GemmKernel kernel in Int8Gemm.PairTable.Runnable)
                {
                    using var weights = new PackedIntegerWeights(
                        w, new float[patterns.Length], [], patterns.Length, k, Int8Gemm.PairBits, kernel);
                    using var input = new GuardedBuffer<byte>(a);
                    using var sums = new GuardedBuffer<int>(expected.Length);
                    Int8Gemm.Accumulate(weights, input.Pointer, 136, sums.Pointer, patterns.Length, 0, 2);
                    Assert.Equal(expected, sums.Span.ToArray());
                }
            }
        }
    }

    [Fact]
    public void A_run_ends_before_its_magnitudes_exceed_the_limit()
    {
        foreach (Int8GemmKernel kernel in Int8Gemm.PairTable.Runnable.Where(kernel => kernel.UsesRuns))
        {
            // Three groups of one column's first pair: Σ|w| is 127, 254, and one of 255 or 256 with the third.
            foreach ((sbyte last, int[] lengths) in new[] { ((sbyte)1, new[] { 3 }), ((sbyte)-2, new[] { 2, 1 }) })
            {
                sbyte[] w = [-64, 63, 0, 0, 63, -64, 0, 0, last, 0, 0, 0];
                using var weights = new PackedIntegerWeights(w, [1f], [], 1, w.Length, Int8Gemm.PairBits, kernel);
                PanelRuns runs = weights.Panels.Runs[0];
                Assert.Equal(lengths, new ReadOnlySpan<int>(runs.Lengths, lengths.Length).ToArray());
                Assert.Equal(PanelRuns.ZeroPoint * (last - 2), *runs.Corrections);
            }
        }
    }

    [Fact]
    public void Runs_that_are_found_when_needed_give_the_same_bits_as_packed_ones()
    {
        const int M = 7, N = 33, K = 40;
        sbyte[] w = Sample.NormalLevels(1, N, K, Int8Gemm.PairBits);
        using var a = new GuardedBuffer<byte>(Sample.Bytes(2, M * K));
        using var packed = new GuardedBuffer<int>(M * N);
        using var found = new GuardedBuffer<int>(M * N);
        foreach (Int8GemmKernel kernel in Int8Gemm.PairTable.Runnable)
        {
            using var weights = new PackedIntegerWeights(w, new float[N], [], N, K, Int8Gemm.PairBits, kernel);
            Int8Gemm.Accumulate(weights, a.Pointer, K, packed.Pointer, N, 0, M);
            IntegerPanels panels = weights.Panels;
            panels.Runs = null;
            kernel.Accumulate(in panels, a.Pointer, K, 4, found.Pointer, N, 0, M, false);
            Assert.Equal(packed.Span.ToArray(), found.Span.ToArray());
        }
    }

    [Fact]
    public void Padding_of_the_activations_does_not_matter_and_a_split_gives_the_same_bits()
    {
        const int M = 9, N = 21, K = 7, Lda = 12;
        sbyte[] w = [.. Sample.Bytes(1, N * K).Select(value => (sbyte)value)];
        byte[] a = Sample.Bytes(2, M * Lda);
        byte[] other = [.. a.Select((value, i) => i % Lda >= K ? (byte)~value : value)];
        float[] scales = Sample.Floats(3, M, 0.01f, 1f);
        int[] zeros = [.. Enumerable.Range(120, M)];
        foreach (Int8GemmKernel kernel in Int8Gemm.Table.Runnable)
        {
            using var weights = new PackedIntegerWeights(
                w, Sample.Floats(4, N), Sample.Floats(5, N), N, K, kernel: kernel);
            var whole = new float[M * N];
            var split = new float[M * N];
            fixed (byte* a1 = a, a2 = other)
            fixed (float* scale = scales, c1 = whole, c2 = split)
            fixed (int* zero = zeros)
            {
                var grids = new TokenParameters(scale, zero, stride: 1);
                Int8Gemm.Run(weights, a1, Lda, in grids, c1, N, 0, M, accumulate: false);
                Int8Gemm.Run(weights, a2, Lda, in grids, c2, N, 0, 4, accumulate: false);
                Assert.Equal(-1, split.AsSpan(4 * N).IndexOfAnyExcept(0f));
                Int8Gemm.Run(weights, a2, Lda, in grids, c2, N, 4, M, accumulate: false);
            }
            Assert.Equal(Sample.Bits(whole), Sample.Bits(split));
        }
    }

    [Fact]
    public void Packing_refuses_lengths_that_do_not_match_and_rows_that_could_overflow()
    {
        Assert.Throws<ArgumentException>(() => new PackedIntegerWeights(new sbyte[5], [1, 1], [], 2, 3));
        Assert.Throws<ArgumentException>(() => new PackedIntegerWeights(new sbyte[6], [1], [], 2, 3));
        Assert.Throws<ArgumentException>(() => new PackedIntegerWeights(new sbyte[6], [1, 1], [1], 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new PackedIntegerWeights(new sbyte[70_000], [1], [], 1, 70_000));
        Assert.Throws<ArgumentException>(
            () => new PackedIntegerWeights(new sbyte[6], [1, 1], [], 2, 3, bits: 5, Int8Gemm.NibbleTable.Best));
        Assert.Throws<ArgumentException>(() => new PackedIntegerWeights([64], [1], [], 1, 1, Int8Gemm.PairBits));
        Assert.Throws<ArgumentException>(() => new PackedIntegerWeights([-9], [1], [], 1, 1, Int8Gemm.NibbleBits));
    }

    [Fact]
    public void Weights_of_four_bits_take_half_a_byte()
    {
        Int8GemmKernel kernel = Int8Gemm.NibbleTable.Rows[^1];
        using var bytes = new PackedIntegerWeights(
            new sbyte[768 * 192], new float[768], [], 768, 192, bits: 8, Int8Gemm.Table.Rows[^1]);
        using var nibbles = new PackedIntegerWeights(
            new sbyte[768 * 192], new float[768], [], 768, 192, bits: 4, kernel);
        Assert.Equal(768 * 192 / 2, bytes.Bytes - nibbles.Bytes);
    }
}
