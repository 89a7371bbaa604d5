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
                Check(columns, transforms: true, rounding);
                Check(columns, transforms: false, rounding);
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
            // The distance of the two levels around the value, half of which the deviation of a rounding cannot exceed; five deviations of the mean.
            double level = Math.Abs(values[c]) * maxLevel;
            double distance = rounding == LevelRounding.Stochastic || level < 1 ? 1 : Math.Pow(2, Math.Floor(Math.Log2(level)));
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
            var call = new HadamardRowsCall { Source = source, Columns = values.Length, Transforms = true, Transformed = target };
            float largest;
            kernel.Transform(in call, 1, &largest);
        }
        return row;
    }

    private static void Check(int columns, bool transforms, LevelRounding rounding)
    {
        const int Rows = 3;
        const uint Key = 77;
        int padded = HadamardRows.Padded(columns), maxLevel = rounding == LevelRounding.Logarithmic ? 64 : 7;
        float[] values = Sample.Floats(columns, Rows * columns);
        var expected = new byte[Rows * padded];
        var largest = new float[Rows];
        for (int row = 0; row < Rows; row++)
        {
            float[] source = [.. values.AsSpan(row * columns, columns), .. new float[padded - columns]];
            float[] transformed = WalshHadamard.Transform(source, transforms ? HadamardRows.BlockColumns : 1);
            largest[row] = transformed.Max(Math.Abs);
            float inverse = maxLevel / (largest[row] * 0.75f); // larger ones are cut off
            for (int c = 0; c < padded; c++)
            {
                uint counter = (uint)((row * padded) + c);
                float u = transformed[c] * inverse;
                float level = rounding switch
                {
                    LevelRounding.Nearest => MathF.Round(u),
                    LevelRounding.Stochastic => MathF.Floor(u + ((c / 16 % 2 == 0 ? CounterRandom.Halves(Key, counter).First : CounterRandom.Halves(Key, counter - 16).Second) * CounterRandom.HalfStep)),
                    _ => Levels.RoundToPower(u, Key, counter),
                };
                expected[(row * padded) + c] = (byte)(Math.Clamp(level, -maxLevel, maxLevel) + HadamardRows.ZeroPoint);
            }
        }
        foreach (HadamardRowsKernel kernel in HadamardRows.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(values);
            using var target = new GuardedBuffer<byte>(expected.Length);
            using var transformed = new GuardedBuffer<float>(Rows * padded);
            var call = new HadamardRowsCall
            {
                Source = source.Pointer,
                SourceStride = columns,
                Columns = columns,
                Transforms = transforms,
                Target = target.Pointer,
                TargetStride = padded,
                MaxLevel = maxLevel,
                Rounding = rounding,
                Key = Key,
                Transformed = transformed.Pointer,
                TransformedStride = padded,
            };
            var actual = new float[Rows];
            fixed (float* magnitudes = actual, known = largest)
            {
                kernel.Transform(in call, Rows, magnitudes);
                Assert.Equal(largest, actual);
                for (int row = 0; row < Rows; row++)
                    actual[row] *= 0.75f;
                kernel.Quantize(in call, Rows, magnitudes);
                Assert.Equal(expected, target.Span.ToArray());

                // Both at once, row by row in the same memory, and with the largest magnitude of each row.
                kernel.Quantize(in call, Rows, known);
                byte[] separate = target.Span.ToArray();
                call.TransformedStride = 0;
                kernel.Run(in call, Rows, magnitudes);
                Assert.Equal(largest, actual);
                Assert.Equal(separate, target.Span.ToArray());
            }
        }
    }
}
