using Bitis.Kernels.Matrices;
using Bitis.Tensors;

namespace Bitis.Training.Optimization;

/// <summary>Limits the norm of the gradient of all parameters together (Pascanu et al., 2013).</summary>
internal static class GradientClipping
{
    /// <summary>The Euclidean norm over all gradients; NaN or infinite if an element is.</summary>
    /// <remarks>Summed in double precision in a fixed order.</remarks>
    /// <param name="gradients">The gradients, by parameter.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. The result does not depend on it.
    /// </param>
    public static double Norm(IReadOnlyDictionary<string, FloatTensor> gradients, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        var pieces = new ParameterPieces(
            gradients.OrderBy(
                entry => entry.Key, StringComparer.Ordinal).Select(entry => (entry.Key, entry.Value.Shape)));
        double[] squares = new double[pieces.Count];
        pieces.ForEach(
            threads,
            (piece, name, start, length) =>
                squares[piece] = RowSums.OfSquares(gradients[name].Span.Slice(start, length)));
        double total = 0;
        foreach (double sum in squares)
            total += sum;
        return Math.Sqrt(total);
    }

    /// <summary>The factor of all gradients that limits their norm to <paramref name="maximum"/>.</summary>
    /// <param name="norm">Their norm.</param>
    /// <param name="maximum">The limit; 0 for none.</param>
    public static double Factor(double norm, double maximum) => maximum > 0 && norm > maximum ? maximum / norm : 1;
}
