namespace Bitis.KernelHarness;

/// <summary>The right values of an output, and how far a result may be from them.</summary>
internal sealed class Expectation
{
    private readonly Array _values;
    private readonly Func<int, double>? _bound;

    private Expectation(Array values, Func<int, double>? bound) => (_values, _bound) = (values, bound);

    /// <summary>Exactly these values; floats bit for bit, but any NaN for a NaN.</summary>
    public static Expectation Exact(Array values) => new(values, bound: null);

    /// <summary>These values, with an error relative to the largest of them.</summary>
    public static Expectation Close(double[] values, double tolerance = 2e-5)
    {
        double largest = Math.Max(values.Length == 0 ? 0 : values.Max(Math.Abs), 1e-3);
        return new(values, _ => tolerance * largest);
    }

    /// <summary>These values, with an error relative to 1 + |value| of each.</summary>
    public static Expectation Near(double[] values, double tolerance) =>
        new(values, i => tolerance * (1 + Math.Abs(values[i])));

    /// <summary>These values, with an error relative to a magnitude of each.</summary>
    /// <param name="values">The values.</param>
    /// <param name="magnitudes">The sum of the absolute terms that make up each value.</param>
    /// <param name="tolerance">The relative error.</param>
    public static Expectation Within(double[] values, double[] magnitudes, double tolerance) =>
        new(values, i => tolerance * magnitudes[i]);

    /// <summary>Describes the first wrong value.</summary>
    /// <returns>Null if all values are right.</returns>
    public string? Mismatch(Array actual)
    {
        if (_bound is null)
            return Difference(_values, actual, isBitExact: true);
        if (_values.Length != actual.Length)
            return $"{actual.Length} values, expected {_values.Length}";
        (double[] values, float[] floats) = ((double[])_values, (float[])actual);
        for (int i = 0; i < values.Length; i++)
        {
            if (!(Math.Abs(floats[i] - values[i]) <= _bound(i)))
                return $"at {i}: {floats[i]}, expected {values[i]} ± {_bound(i)}";
        }
        return null;
    }

    /// <summary>Describes the first difference between the results of two forms.</summary>
    /// <param name="expected">The result of one form.</param>
    /// <param name="actual">The result of another form.</param>
    /// <param name="isBitExact">Whether bits count; if not, whether a value is finite, infinite or NaN.</param>
    /// <returns>Null if there is none.</returns>
    public static string? Difference(Array expected, Array actual, bool isBitExact)
    {
        if (expected.Length != actual.Length)
            return $"{actual.Length} values, expected {expected.Length}";
        for (int i = 0; i < expected.Length; i++)
        {
            (object a, object b) = (expected.GetValue(i)!, actual.GetValue(i)!);
            bool isSame = a is float x && b is float y ? AreSame(x, y, isBitExact) : a.Equals(b);
            if (!isSame)
                return $"at {i}: {b}, expected {a}";
        }
        return null;
    }

    private static bool AreSame(float x, float y, bool isBitExact)
    {
        if (float.IsNaN(x) || float.IsNaN(y))
            return float.IsNaN(x) && float.IsNaN(y);
        if (isBitExact)
            return BitConverter.SingleToInt32Bits(x) == BitConverter.SingleToInt32Bits(y);
        return float.IsFinite(x) ? float.IsFinite(y) : x.Equals(y);
    }
}
