namespace Bitis.Tests;

/// <summary>Asserts about gradients.</summary>
internal static class GradientAssert
{
    /// <summary>Asserts that float32 gradients are within rounding of float64 ones, relative to the largest.</summary>
    public static void Close(double[] expected, ReadOnlySpan<float> actual, string name, double tolerance = 2e-5)
    {
        string? mismatch = Expectation.Close(expected, tolerance).Mismatch(actual.ToArray());
        Assert.True(mismatch is null, $"{name} {mismatch}");
    }
}
