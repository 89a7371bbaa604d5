
namespace Bitis.Tests;

/// <summary>Compares tensors as the golden data ask for: differences relative to the largest magnitude.</summary>
internal static class TensorAssert
{
    /// <summary>
    /// Asserts that no element differs by more than a share of the expected tensor's largest magnitude.
    /// </summary>
    public static void Close(FloatTensor expected, FloatTensor actual, double tolerance, string name = "tensor")
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 1e-30, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected.Span[i]));
            difference = Math.Max(difference, Math.Abs((double)expected.Span[i] - actual.Span[i]));
        }
        Assert.True(
            difference <= tolerance * largest,
            $"{name}: differs by {difference:g3}, {difference / largest:g3} of the largest magnitude; {tolerance:g3} "
            + "is allowed.");
    }

    /// <summary>Asserts that two tensors hold the same bits.</summary>
    public static void Same(FloatTensor expected, FloatTensor actual) =>
        Assert.Equal(expected.Span.ToArray(), actual.Span.ToArray());
}
