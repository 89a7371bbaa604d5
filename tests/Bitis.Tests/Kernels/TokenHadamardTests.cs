using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Hadamard;

namespace Bitis.Tests.Kernels;

public sealed unsafe class TokenHadamardTests
{
    private static readonly byte[] All = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];

    [Fact]
    public void Every_form_equals_the_scalar_formula_bit_for_bit()
    {
        foreach (int columns in new[] { 1, 3, 4, 8, 17, 33, 48 })
        {
            var data = new TokenHadamardCase(Tokens: 40, columns);
            KernelAssert.FormsAgree(data);
            KernelAssert.FormsAgree(data with { Kept = All, Factor = 1 });
            KernelAssert.FormsAgree(data with { Kept = All, Factor = 1, Transforms = false });
        }
    }

    [Fact]
    public void At_full_rank_the_product_of_transforms_is_the_product_of_the_matrices()
    {
        const int Columns = 5;
        float[] x = Sample.Floats(1, 40 * Columns), y = Sample.Floats(2, 40 * Columns);
        int[] blocks = Rows(), singles = [38, 39];
        foreach (CallKernel<TokenHadamardCall> kernel in TokenHadamard.Table.Runnable)
        {
            float[] a = Run(kernel, x, Columns, true, All, 0.25f, blocks, singles, out _),
                b = Run(kernel, y, Columns, true, All, 0.25f, blocks, singles, out _);
            for (int i = 0; i < Columns; i++)
            {
                for (int j = 0; j < Columns; j++)
                    Assert.Equal(Product(x, y, i, j), Product(a, b, i, j), 1e-5);
            }
        }

        // Over the rows that the blocks and singles name, which the transforms have and the sources have among others.
        double Product(float[] left, float[] right, int i, int j)
        {
            IEnumerable<int> rows = left.Length == x.Length
                ? blocks.Concat(singles).Where(row => row >= 0)
                : Enumerable.Range(0, left.Length / Columns);
            return rows.Sum(row => (double)left[(row * Columns) + i] * right[(row * Columns) + j]);
        }
    }

    [Fact]
    public void The_transform_is_that_of_the_definition()
    {
        float[] x = Sample.Floats(3, 40),
            actual = Run(
                TokenHadamard.Table.Best, x, 1, true, All, 1, [.. Enumerable.Range(0, 16)], [], out float[] maxima);
        for (int k = 0; k < 16; k++)
            Assert.Equal(Enumerable.Range(0, 16).Sum(i => (double)x[i] * WalshHadamard.Entry(k, i)), actual[k], 1e-5);
        Assert.Equal(actual.Max(Math.Abs), maxima[0]);
    }

    [Fact]
    public void Without_a_target_the_largest_magnitudes_alone_are_found()
    {
        foreach (int columns in new[] { 1, 3, 17, 48 })
        {
            float[] x = Sample.Floats(columns, 40 * columns);
            foreach (CallKernel<TokenHadamardCall> kernel in TokenHadamard.Table.Runnable)
            {
                Run(
                    kernel,
                    x,
                    columns,
                    true,
                    All,
                    1,
                    [],
                    [.. Enumerable.Range(0, 40)],
                    out float[] maxima,
                    hasTarget: false);
                Assert.Equal(
                    Enumerable.Range(0, columns)
                        .Select(c => Enumerable.Range(0, 40).Max(row => Math.Abs(x[(row * columns) + c]))),
                    maxima);
            }
        }
    }

    [Theory]
    [InlineData(3, 16)]
    [InlineData(42, 48)]
    public void Without_a_target_rows_are_also_summed_in_their_order(int rows, int columns) =>
        KernelAssert.FormsAgree(new TokenHadamardCase(rows, columns) { SumsOnly = true });

    /// <summary>Two blocks of rows in any order, the second with rows that do not exist.</summary>
    private static int[] Rows()
    {
        int[] rows = [.. Enumerable.Range(0, 32).Select(i => (i * 7) % 37)];
        rows[^1] = rows[^2] = -1;
        return rows;
    }

    private static float[] Run(
        CallKernel<TokenHadamardCall> kernel, float[] x, int columns, bool transforms, byte[] kept, float factor,
        int[] blocks, int[] singles, out float[] maxima, bool hasTarget = true)
    {
        using var source = new GuardedBuffer<float>(x);
        using var target = new GuardedBuffer<float>(((blocks.Length / 16 * kept.Length) + singles.Length) * columns);
        using var largest = new GuardedBuffer<float>(columns);
        fixed (int* rows = blocks, single = singles)
        fixed (byte* keptRows = kept)
        {
            var call = new TokenHadamardCall
            {
                Source = source.Pointer,
                SourceStride = columns,
                Columns = columns,
                BlockRows = rows,
                Blocks = blocks.Length / 16,
                Transforms = transforms,
                Kept = keptRows,
                Rank = kept.Length,
                Factor = factor,
                SingleRows = single,
                Singles = singles.Length,
                Target = hasTarget ? target.Pointer : null,
                TargetStride = columns,
                Maxima = largest.Pointer,
            };
            kernel.Run(in call);
        }
        maxima = largest.Span.ToArray();
        return target.Span.ToArray();
    }
}
