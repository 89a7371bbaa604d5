using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class QuantizeTests
{
    private static readonly float[] Awkward =
    [
        0f, -0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 254.5f, 255.5f, 3e9f, -3e9f, 1e30f, -1e30f, 1e-30f, float.MaxValue,
        float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, float.Epsilon, 0.49999997f, 127.5f,
    ];

    [Fact]
    public void Every_form_equals_the_scalar_formula_over_every_length()
    {
        for (int columns = 0; columns <= 70; columns++)
        {
            Check(3, columns, gridStride: 1, maxValue: 255);
            Check(2, columns, gridStride: 0, maxValue: 15);
        }
    }

    [Fact]
    public void Rounds_half_to_even_saturates_and_takes_nan_for_zero()
    {
        foreach (QuantizeKernel kernel in Quantize.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(
                [0.5f, 1.5f, 2.5f, -0.5f, 1e30f, -1e30f, float.NaN, float.PositiveInfinity]);
            using var target = new GuardedBuffer<byte>(8);
            float inverseScale = 1f;
            int zero = 3;
            Run(kernel, source, target, 1, 8, &inverseScale, &zero, gridStride: 0, maxValue: 255);
            Assert.Equal([3, 5, 5, 3, 255, 0, 0, 255], target.Span.ToArray());
        }
    }

    private static void Check(int rows, int columns, int gridStride, int maxValue)
    {
        float[] values = Sample.Floats(columns, rows * columns, -200f, 300f);
        for (int i = 0; i < values.Length; i += 3)
            values[i] = Awkward[i / 3 % Awkward.Length];
        float[] inverseScales = Sample.Floats(7, rows, 0.1f, 2f);
        inverseScales[0] = 1f;
        int[] zeros = [.. Enumerable.Range(0, rows).Select(row => row * 100)];
        var expected = new byte[values.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            int row = i / columns * gridStride;
            float q = MathF.Round(values[i] * inverseScales[row]) + zeros[row];
            expected[i] = float.IsNaN(q) ? (byte)0 : (byte)Math.Clamp(q, 0f, maxValue);
        }

        foreach (QuantizeKernel kernel in Quantize.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(values);
            using var target = new GuardedBuffer<byte>(expected.Length);
            fixed (float* inverseScale = inverseScales)
            fixed (int* zero = zeros)
                Run(kernel, source, target, rows, columns, inverseScale, zero, gridStride, maxValue);
            Assert.Equal(expected, target.Span.ToArray());
        }
    }

    private static void Run(
        QuantizeKernel kernel,
        GuardedBuffer<float> source,
        GuardedBuffer<byte> target,
        int rows,
        int columns,
        float* inverseScales,
        int* zeros,
        int gridStride,
        int maxValue)
    {
        var call = new QuantizeCall
        {
            Source = source.Pointer,
            SourceStride = columns,
            Target = target.Pointer,
            TargetStride = columns,
            Columns = columns,
            InverseScales = inverseScales,
            ZeroPoints = zeros,
            GridStride = gridStride,
            MaxValue = maxValue,
        };
        kernel.Run(in call, 0, rows);
    }
}
