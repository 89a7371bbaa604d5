using Bitis.Kernels.Activations;
using Bitis.Kernels.Rounding;

namespace Bitis.KernelHarness.Operands;

/// <summary>Seeded inputs and comparisons that the kernel tests share.</summary>
internal static class Sample
{
    /// <summary>Values from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public static float[] Floats(int seed, int count, float low = -1f, float high = 1f)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = low + ((high - low) * random.NextSingle());
        return values;
    }

    /// <summary>
    /// NaN of both signs, infinities, the largest and the smallest numbers, what no 32-bit integer holds, and zeros of
    /// both signs.
    /// </summary>
    public static IReadOnlyList<float> Extremes { get; } =
    [
        float.NaN, float.PositiveInfinity, -float.NaN, float.NegativeInfinity, float.MaxValue, float.MinValue,
        float.Epsilon, -float.Epsilon, -0f, 0f,
        1e-40f, 3e9f, -3e9f, 2147483648f, -2147483904f, 1e30f, -1e30f,
    ];

    /// <summary>Puts extremes among values, each of them beside all kinds of neighbours.</summary>
    public static float[] Spoiled(float[] values)
    {
        float[] spoiled = [.. values];
        for (int i = 0; i < spoiled.Length; i += 3)
            spoiled[i] = Extremes[i / 3 % Extremes.Count];
        return spoiled;
    }

    /// <summary>Whole numbers from <paramref name="low"/> to <paramref name="high"/>: centered levels.</summary>
    public static float[] Levels(int seed, int count, int low, int high)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = random.Next(low, high + 1);
        return values;
    }

    /// <summary>SiLU of each value, with the runtime's kernel.</summary>
    public static unsafe float[] Silu(float[] values)
    {
        var result = new float[values.Length];
        fixed (float* source = values, target = result)
            Elementwise.Silu.Best.Run(source, target, values.Length);
        return result;
    }

    /// <summary>
    /// Rows of normally distributed weights, each scaled so that its largest magnitude is the highest level.
    /// </summary>
    public static sbyte[] NormalLevels(int seed, int rows, int columns, int bits)
    {
        var random = new Random(seed);
        var levels = new sbyte[rows * columns];
        var row = new double[columns];
        for (int first = 0; first < levels.Length; first += columns)
        {
            for (int i = 0; i < columns; i++)
            {
                double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
                row[i] = radius * Math.Cos(2 * Math.PI * random.NextDouble());
            }
            double scale = ((1 << (bits - 1)) - 1) / row.Max(Math.Abs);
            for (int i = 0; i < columns; i++)
                levels[first + i] = (sbyte)Math.Round(row[i] * scale);
        }
        return levels;
    }

    public static byte[] Bytes(int seed, int count)
    {
        var values = new byte[count];
        new Random(seed).NextBytes(values);
        return values;
    }

    /// <summary>The bit patterns, so that a comparison tells −0 from 0 and accepts NaN.</summary>
    public static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }
}
