using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Tests.Kernels;

public sealed unsafe class HadamardRowsTests
{
    [Fact]
    public void Every_form_equals_the_scalar_formula_bit_for_bit()
    {
        foreach (int columns in new[] { 1, 7, 8, 10, 16, 24, 40, 48, 100, 192 })
        {
            foreach (LevelRounding rounding in Enum.GetValues<LevelRounding>())
            {
                foreach (bool transforms in (bool[])[true, false])
                {
                    var data = new HadamardRowsCase(3, columns) { Rounding = rounding, Transforms = transforms };
                    KernelAssert.FormsAgree(data);
                    KernelAssert.FormsAgree(data with { Range = 0.75f }); // larger values are cut off
                    KernelAssert.FormsAgree(data with { KeepsRows = false });
                }
            }
        }
    }

    [Fact]
    public void A_product_of_transformed_matrices_is_the_product_of_the_matrices()
    {
        // (y·H)·(Hᵀ·w)/n = y·w, exactly but for rounding.
        foreach (HadamardRowsKernel kernel in HadamardRows.Table.Runnable)
        {
            foreach (int columns in new[] { 1, 16, 24, 42, 96, 100 })
            {
                int padded = HadamardRows.Padded(columns);
                float[] y = Sample.Floats(1, columns), w = Sample.Floats(2, columns);
                float[] a = Transform(kernel, y, padded), b = Transform(kernel, w, padded);
                double expected = 0, actual = 0;
                for (int i = 0; i < columns; i++)
                    expected += (double)y[i] * w[i];
                for (int i = 0; i < padded; i++)
                    actual += (double)a[i] * b[i] / HadamardRows.BlockColumns;
                Assert.Equal(expected, actual, 1e-5);
            }
        }
    }

    [Theory]
    [InlineData(LevelRounding.Stochastic, 7)]
    [InlineData(LevelRounding.Stochastic, 127)]
    [InlineData(LevelRounding.Logarithmic, 64)]
    internal void Random_rounding_is_unbiased(LevelRounding rounding, int maxLevel)
    {
        const int Columns = 160, Rows = 20_000;
        float[] values = Sample.Floats(3, Columns, -1, 1);
        values[0] = 1; // the largest one is the last level itself
        var sums = new double[Columns];
        var row = new float[Columns];
        var target = new byte[Columns];
        fixed (float* source = values, scratch = row)
        fixed (byte* levels = target)
        {
            for (int i = 0; i < Rows; i++)
            {
                var call = new HadamardRowsCall
                {
                    Source = source,
                    Columns = Columns,
                    Target = levels,
                    MaxLevel = maxLevel,
                    Rounding = rounding,
                    Key = CounterRandom.Key(5, (uint)i),
                    Transformed = scratch,
                };
                float largest;
                HadamardRows.Run(in call, 1, &largest);
                for (int c = 0; c < Columns; c++)
                    sums[c] += (target[c] - HadamardRows.ZeroPoint) / (double)maxLevel;
            }
        }
        for (int c = 0; c < Columns; c++)
        {
            // The distance of the two levels around the value, half of which the deviation of a rounding cannot exceed;
            // five deviations of the mean.
            double level = Math.Abs(values[c]) * maxLevel;
            double distance = rounding == LevelRounding.Stochastic || level < 1
                ? 1
                : Math.Pow(2, Math.Floor(Math.Log2(level)));
            Assert.Equal(values[c], sums[c] / Rows, 5 * distance / 2 / maxLevel / Math.Sqrt(Rows));
        }
    }

    [Fact]
    public void Rows_of_zeros_and_of_tiny_values_have_the_level_zero()
    {
        float[] values = [.. new float[16], .. Enumerable.Repeat(1e-38f, 16)], row = new float[16];
        var target = new byte[32];
        fixed (float* source = values, scratch = row)
        fixed (byte* levels = target)
        {
            var call = new HadamardRowsCall
            {
                Source = source,
                SourceStride = 16,
                Columns = 16,
                Transforms = true,
                Target = levels,
                TargetStride = 16,
                MaxLevel = 7,
                Rounding = LevelRounding.Stochastic,
                Transformed = scratch,
            };
            float* largest = stackalloc float[2];
            HadamardRows.Run(in call, 2, largest);
            for (int i = 0; i < 2; i++)
                Assert.Equal(0, Levels.Scale(largest[i], call.MaxLevel));
        }
        Assert.All(target, level => Assert.Equal(HadamardRows.ZeroPoint, level));
    }

    private static float[] Transform(HadamardRowsKernel kernel, float[] values, int padded)
    {
        var row = new float[padded];
        fixed (float* source = values, target = row)
        {
            var call = new HadamardRowsCall
            {
                Source = source,
                Columns = values.Length,
                Transforms = true,
                Transformed = target,
            };
            float largest;
            kernel.Transform(in call, 1, &largest);
        }
        return row;
    }
}
