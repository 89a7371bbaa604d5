namespace Bitis.KernelHarness.Operands;

/// <summary>Small things that references do with arrays.</summary>
internal static class NumberArrays
{
    /// <summary>The same numbers in float64.</summary>
    public static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);

    /// <summary>The numbers plus a number.</summary>
    public static double[] Plus(double[] values, double summand) => Array.ConvertAll(values, value => value + summand);

    /// <summary>An array of one number.</summary>
    public static float[] Repeat(float value, int count) => [.. Enumerable.Repeat(value, count)];

    /// <summary>The length of a matrix whose last row has no padding.</summary>
    public static int PaddedLength(int rows, int stride, int columns) =>
        rows == 0 ? 0 : ((rows - 1) * stride) + columns;
}
