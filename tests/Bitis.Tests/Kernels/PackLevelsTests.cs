using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

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
        int groups = (m + 3) / 4, paddedK = (k + gemm.ColumnStep - 1) / gemm.ColumnStep * gemm.ColumnStep;
        float[] y = Sample.Floats(m, m * n), x = Sample.Floats(m + 1, m * k);
        (byte[] a, _) = Expected(y, m, n, groups, n, n, 127, LevelRounding.Stochastic, HadamardRows.ZeroPoint, Inverse(n, 127));
        (byte[] b, int[] sums) = Expected(x, m, k, groups, gemm.Columns, paddedK, 127, LevelRounding.Nearest, 0, Inverse(k, 127));
        float[] c = Sample.Floats(5, n * k), expected = [.. c], scales = [.. Enumerable.Repeat(1 / 127f, paddedK)], bias = new float[paddedK];
        int[] columnSums = [.. sums, .. new int[paddedK - k]];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < k; j++)
            {
                int sum = 0;
                for (int row = 0; row < m; row++)
                    sum += Level(y[(row * n) + i] * 127, 127, LevelRounding.Stochastic, row, i, n) * Level(x[(row * k) + j] * 127, 127, LevelRounding.Nearest, row, j, k);
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
            var grids = new TokenGrids(&scale, &zero, stride: 0);
            Int8Gemm.Run(in panels, input.Pointer, 4, 4 * n, in grids, target.Pointer, k, 0, n, accumulate: true);
        }
        Assert.Equal(Sample.Bits(expected), Sample.Bits(target.Span));
    }

    private static void Check(int rows, int columns, LevelRounding rounding)
    {
        int maxLevel = rounding == LevelRounding.Logarithmic ? 64 : 7, groups = (rows + 3) / 4;
        float[] values = Sample.Floats(rows, rows * columns), inverse = Inverse(columns, maxLevel);
        foreach ((int panel, int step) in new[] { (64, 16), (16, 16), (32, 32), (8, 8), (columns, 1) })
        {
            int padded = (columns + step - 1) / step * step;
            foreach (int zero in new[] { 0, HadamardRows.ZeroPoint })
            {
                (byte[] expected, int[] expectedSums) = Expected(values, rows, columns, groups, panel, padded, maxLevel, rounding, zero, inverse);
                foreach (PackLevelsKernel kernel in PackLevels.Table.Runnable)
                {
                    using var source = new GuardedBuffer<float>(values);
                    using var target = new GuardedBuffer<byte>(expected.Length);
                    using var inverses = new GuardedBuffer<float>(inverse);
                    using var sums = new GuardedBuffer<int>(columns);
                    var call = new PackLevelsCall
                    {
                        Source = source.Pointer,
                        SourceStride = columns,
                        Rows = rows,
                        Columns = columns,
                        Groups = groups,
                        Target = target.Pointer,
                        PanelColumns = panel,
                        PaddedColumns = padded,
                        InverseScales = inverses.Pointer,
                        MaxLevel = maxLevel,
                        Rounding = rounding,
                        Key = Key,
                        ZeroPoint = zero,
                        ColumnSums = sums.Pointer,
                    };
                    kernel.Run(in call);
                    Assert.Equal(expected, target.Span.ToArray());
                    if (rounding == LevelRounding.Nearest)
                        Assert.Equal(expectedSums, sums.Span.ToArray());
                }
            }
        }
    }

    private static float[] Inverse(int columns, int maxLevel) => [.. Enumerable.Repeat((float)maxLevel, columns)];

    private static int Level(float u, int maxLevel, LevelRounding rounding, int row, int column, int columns) => (int)Math.Clamp(
        rounding switch
        {
            LevelRounding.Nearest => MathF.Round(u),
            LevelRounding.Stochastic when row % 2 == 0 => MathF.Floor(u + (CounterRandom.Halves(Key, (uint)((row * columns) + column)).First * CounterRandom.HalfStep)),
            LevelRounding.Stochastic => MathF.Floor(u + (CounterRandom.Halves(Key, (uint)(((row - 1) * columns) + column)).Second * CounterRandom.HalfStep)),
            _ => Levels.RoundToPower(u, Key, (uint)((row * columns) + column)),
        },
        -maxLevel,
        maxLevel);

    private static (byte[] Panels, int[] Sums) Expected(
        float[] values, int rows, int columns, int groups, int panel, int padded, int maxLevel, LevelRounding rounding, int zero, float[] inverse)
    {
        var bytes = new byte[groups * 4 * padded];
        var sums = new int[columns];
        for (int c = 0; c < columns; c++)
        {
            int start = c / panel * panel, width = Math.Min(panel, padded - start);
            for (int row = 0; row < groups * 4; row++)
            {
                int level = row < rows ? Level(values[(row * columns) + c] * inverse[c], maxLevel, rounding, row, c, columns) : 0;
                bytes[(start * groups * 4) + (row / 4 * width * 4) + ((c - start) * 4) + (row % 4)] = (byte)(level + zero);
                sums[c] += level;
            }
        }
        return (bytes, sums);
    }
}
