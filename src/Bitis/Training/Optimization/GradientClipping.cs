using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Bitis.Tensors;

namespace Bitis.Training.Optimization;

/// <summary>Limits the norm of the gradient of all parameters together (Pascanu et al., 2013).</summary>
internal static class GradientClipping
{
    /// <summary>
    /// The Euclidean norm over all gradients, summed in double precision in a fixed order; NaN or infinite if an element is.
    /// </summary>
    /// <param name="gradients">The gradients, by parameter.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor. The result does not depend on it.</param>
    public static double Norm(IReadOnlyDictionary<string, Tensor> gradients, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        var pieces = new ParameterPieces(
            gradients.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (entry.Key, entry.Value.Shape)));
        double[] squares = new double[pieces.Count];
        pieces.ForEach(threads, (piece, name, start, length) => squares[piece] = SumOfSquares(gradients[name].Span.Slice(start, length)));
        double total = 0;
        foreach (double sum in squares)
            total += sum;
        return Math.Sqrt(total);
    }

    /// <summary>What to multiply all gradients with, so that their norm is at most <paramref name="maximum"/>.</summary>
    /// <param name="norm">Their norm.</param>
    /// <param name="maximum">The limit; 0 for none.</param>
    public static double Factor(double norm, double maximum) => maximum > 0 && norm > maximum ? maximum / norm : 1;

    /// <summary>
    /// Sixteen running sums, one for each position modulo 16, then those in order and the tail. 512 bits are a fixed width, which
    /// smaller registers emulate: the order of the additions is the same on every machine.
    /// </summary>
    private static double SumOfSquares(ReadOnlySpan<float> values)
    {
        Vector512<double> lower = default, upper = default;
        ReadOnlySpan<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(values);
        foreach (Vector512<float> vector in vectors)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(vector);
            lower += low * low;
            upper += high * high;
        }
        double sum = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lower[lane];
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            sum += upper[lane];
        foreach (float value in values[(vectors.Length * Vector512<float>.Count)..])
            sum += (double)value * value;
        return sum;
    }
}
