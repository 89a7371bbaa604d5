using Bitis.Kernels.Activations;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>Rotary positions on a grid: each pair of channels is rotated by an angle.</summary>
/// <remarks>
/// The angle grows with the token's row for the first half of the channels, and with its column for the second half:
/// <c>(a, b) → (a·cos φ − b·sin φ, b·cos φ + a·sin φ)</c>, with
/// <code>
///   φ = p·base / grid · 10000^(−2i / (channels/2))      p: row or column     i: the pair within its half
/// </code>
/// A grid of another size than <paramref name="BaseGrid"/> covers the same angles in smaller or larger steps (EVA-02's
/// <c>VisionRotaryEmbeddingFast</c>).
/// </remarks>
/// <param name="Grid">Tokens along one side of the grid.</param>
/// <param name="Channels">The size of a token; a multiple of 4.</param>
/// <param name="BaseGrid">The grid on which neighbours are one step apart.</param>
internal sealed record RotaryPositions(int Grid, int Channels, int BaseGrid) : Operator
{
    private const double Base = 10000;

    private readonly Lazy<(float[] Cos, float[] Sin)> _factors = new(() => Factors(Grid, Channels, BaseGrid));

    /// <inheritdoc />
    public override string Kind => "rotary_positions";

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("grid", Grid, 1, MaxSide);
        RequireSetting("base grid", BaseGrid, 1);
        RequireSetting("channels", Channels, 1);
        bool fits = Channels % 4 == 0 && inputs.Length == 1 && inputs[0] == [Grid * Grid, Channels];
        Require(fits, inputs, $"[{Grid * Grid}, {Channels}], with a multiple of 4 channels");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int row = 0; row < x.Length / Channels; row++)
        {
            Turn(
                x.Span.Slice(row * Channels, Channels), row % (Grid * Grid), y.Span.Slice(row * Channels, Channels),
                isBack: false);
        }

        return y;
    }

    /// <summary>Rotates one token.</summary>
    /// <param name="x">The token.</param>
    /// <param name="position">Its position in the sequence.</param>
    /// <param name="y">The rotated token; may be <paramref name="x"/>.</param>
    /// <param name="isBack">Whether to rotate in the opposite direction: the inverse, and the backward pass.</param>
    internal void Turn(ReadOnlySpan<float> x, int position, Span<float> y, bool isBack)
    {
        (float[] cos, float[] sin) = _factors.Value;
        int first = position * Channels;
        PairRotation.Turn(x, cos.AsSpan(first, Channels), sin.AsSpan(first, Channels), isBack, y);
    }

    /// <summary>Whether two operators have the same settings.</summary>
    public bool Equals(RotaryPositions? other) =>
        other is not null && (Grid, Channels, BaseGrid) == (other.Grid, other.Channels, other.BaseGrid);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Grid, Channels, BaseGrid);

    /// <summary>cos φ of each token's channels, and the factors of their partners.</summary>
    /// <remarks>The factor is −sin φ for the first of a pair and sin φ for the second.</remarks>
    private static (float[] Cos, float[] Sin) Factors(int grid, int channels, int baseGrid)
    {
        int half = channels / 2; // channels that rotate with the row; as many rotate with the column
        float[] cos = new float[grid * grid * channels], sin = new float[cos.Length];
        for (int i = 0; i < cos.Length; i++)
        {
            int token = i / channels, channel = i % channels, pair = channel % half / 2;
            double position = (double)(channel < half ? token / grid : token % grid) * baseGrid / grid;
            double angle = position * Math.Pow(Base, -2.0 * pair / half);
            (cos[i], sin[i]) = ((float)Math.Cos(angle), (float)(channel % 2 == 0 ? -Math.Sin(angle) : Math.Sin(angle)));
        }
        return (cos, sin);
    }
}
