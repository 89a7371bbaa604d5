using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class PackLevelsTests
{
    private const uint Key = 9;

    [Fact]
    public void Every_form_equals_the_scalar_formula_bit_for_bit()
    {
        foreach (LevelRounding rounding in Enum.GetValues<LevelRounding>())
        {
            foreach (int columns in new[] { 1, 5, 16, 37, 70 })
            {
                foreach (int rows in new[] { 0, 1, 4, 6, 7, 20 })
                    Check(rows, columns, rounding);
            }
        }
    }

    [Fact]
    public void The_integer_product_of_packed_matrices_is_that_of_their_levels()
    {
        // C[N, K] += Aᵀ·B over M rows, both packed from row-major floats: the product of HLQ's weight gradient.
        foreach (Int8GemmKernel gemm in Int8Gemm.Table.Runnable)
        {
            foreach ((int m, int n, int k) in new[] { (1, 1, 1), (6, 7, 5), (13, 20, 70), (33, 12, 130), (8, 64, 64) })
                CheckProduct(gemm, m, n, k);
        }
    }

    private static void CheckProduct(Int8GemmKernel gemm, int m, int n, int k)
    {
        int groups = (m + 3) / 4, paddedK = (k + gemm.ColumnMultiple - 1) / gemm.ColumnMultiple * gemm.ColumnMultiple;
        float[] y = Sample.Floats(m, m * n), x = Sample.Floats(m + 1, m * k);
        var outputs = new LevelPanels(n, n, 127, LevelRounding.Stochastic, HadamardRows.ZeroPoint, Key);
        var inputs = new LevelPanels(gemm.Columns, paddedK, 127, LevelRounding.Nearest, ZeroPoint: 0, Key);
        (byte[] a, _) = outputs.Pack(y, m, n, NumberArrays.Repeat(127, n));
        (byte[] b, int[] sums) = inputs.Pack(x, m, k, NumberArrays.Repeat(127, k));
        float[] c = Sample.Floats(5, n * k), expected = [.. c], bias = new float[paddedK];
        float[] scales = NumberArrays.Repeat(1 / 127f, paddedK);
        int[] columnSums = [.. sums, .. new int[paddedK - k]];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < k; j++)
            {
                int sum = 0;
                for (int row = 0; row < m; row++)
                {
                    int yLevel = outputs.Level(y[(row * n) + i] * 127, row, i, n);
                    sum += yLevel * inputs.Level(x[(row * k) + j] * 127, row, j, k);
                }
                float value = sum * (0.5f * scales[j]);
                expected[(i * k) + j] += value;
            }
        }
        float scale = 0.5f;
        int zero = HadamardRows.ZeroPoint;
        using var target = new GuardedBuffer<float>(c);
        using var input = new GuardedBuffer<byte>(a);
        fixed (byte* weights = b)
        fixed (int* columnSum = columnSums)
        fixed (float* columnScales = scales, columnBias = bias)
        {
            var panels = new IntegerPanels
            {
                Kernel = gemm,
                Outputs = k,
                PaddedOutputs = paddedK,
                Groups = groups,
                Weights = (sbyte*)weights,
                ColumnSums = columnSum,
                Scales = columnScales,
                Bias = columnBias,
            };
            var grids = new TokenParameters(&scale, &zero, stride: 0);
            Int8Gemm.Run(in panels, input.Pointer, 4, 4 * n, in grids, target.Pointer, k, 0, n, accumulate: true);
        }
        Assert.Equal(Sample.Bits(expected), Sample.Bits(target.Span));
    }

    private static void Check(int rows, int columns, LevelRounding rounding)
    {
        foreach ((int panel, int step) in new[] { (64, 16), (16, 16), (32, 32), (8, 8), (columns, 1) })
        {
            foreach (int zero in new[] { 0, HadamardRows.ZeroPoint })
            {
                KernelAssert.FormsAgree(new PackLevelsCase(rows, columns)
                {
                    Rounding = rounding,
                    PanelColumns = panel,
                    ColumnMultiple = step,
                    ZeroPoint = zero,
                });
            }
        }
        if (rounding == LevelRounding.Stochastic)
            KernelAssert.FormsAgree(new PackLevelsCase(rows, columns) { Rounding = rounding, HasSums = false });
        if (rounding != LevelRounding.Logarithmic)
            KernelAssert.FormsAgree(new PackLevelsCase(rows, columns) { Rounding = rounding, HasCenters = true });
    }
}
