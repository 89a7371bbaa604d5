using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>
/// Makes the positions of another grid out of learned ones: bicubic, as PyTorch's <c>interpolate</c> does it with
/// <c>align_corners=False</c>.
/// </summary>
/// <remarks>The class token's row moves to its new place as it is.</remarks>
internal static class PositionResampler
{
    /// <summary>The constant of PyTorch's bicubic filter.</summary>
    private const double A = -0.75;

    private const int Taps = 4;

    /// <summary>Resizes an embedding.</summary>
    /// <param name="embedding"><c>[1, tokens, channels]</c>, laid out as <paramref name="from"/> says.</param>
    /// <param name="from">The grid that it has.</param>
    /// <param name="to">The grid that it gets.</param>
    public static FloatTensor Resize(FloatTensor embedding, PositionEmbedding from, PositionEmbedding to)
    {
        int channels = embedding.Shape[^1];
        int tokens = to.GridSide * to.GridSide + (to.ClassTokenIndex is null ? 0 : 1);
        FloatTensor result = FloatTensor.Uninitialized([1, tokens, channels]);
        if (to.ClassTokenIndex is { } place)
            Row(embedding, from.ClassTokenIndex!.Value).CopyTo(Row(result, place));

        (int First, double[] Weights)[] taps =
            [.. Enumerable.Range(0, to.GridSide).Select(i => TapsOf(i, from.GridSide, to.GridSide))];
        double[] sums = new double[channels];
        for (int y = 0; y < to.GridSide; y++)
        {
            for (int x = 0; x < to.GridSide; x++)
            {
                Array.Clear(sums);
                for (int i = 0; i < Taps * Taps; i++)
                {
                    int row = Math.Clamp(taps[y].First + i / Taps, 0, from.GridSide - 1);
                    int column = Math.Clamp(taps[x].First + i % Taps, 0, from.GridSide - 1);
                    double weight = taps[y].Weights[i / Taps] * taps[x].Weights[i % Taps];
                    ReadOnlySpan<float> source = Row(embedding, TokenOf(from, row, column));
                    for (int channel = 0; channel < channels; channel++)
                        sums[channel] += weight * source[channel];
                }
                Span<float> target = Row(result, TokenOf(to, y, x));
                for (int channel = 0; channel < channels; channel++)
                    target[channel] = (float)sums[channel];
            }
        }
        return result;
    }

    private static Span<float> Row(FloatTensor embedding, int token) =>
        embedding.Span.Slice(token * embedding.Shape[^1], embedding.Shape[^1]);

    /// <summary>The token of a patch: those from the class token on are one further.</summary>
    private static int TokenOf(PositionEmbedding grid, int row, int column)
    {
        int patch = row * grid.GridSide + column;
        return patch >= grid.ClassTokenIndex ? patch + 1 : patch;
    }

    /// <summary>The four neighbours of a new position, and their weights.</summary>
    private static (int First, double[] Weights) TapsOf(int position, int from, int to)
    {
        double centre = (position + 0.5) * from / to - 0.5;
        int floor = (int)Math.Floor(centre);
        double t = centre - floor;
        return (floor - 1, [Far(t + 1), Near(t), Near(1 - t), Far(2 - t)]);
    }

    private static double Near(double distance) => ((A + 2) * distance - (A + 3)) * distance * distance + 1;

    private static double Far(double distance) => ((A * distance - 5 * A) * distance + 8 * A) * distance - 4 * A;
}
