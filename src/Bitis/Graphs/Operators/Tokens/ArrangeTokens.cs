using Bitis.Graphs.Operators.Elementwise;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>Puts tokens in another order, <c>y[t] = x[sources[t]]</c>.</summary>
/// <remarks>
/// Tokens without a source are zeros. Tokens that are no source are left out. The directions of a block see a grid in
/// such orders. Their inverses are such orders, too.
/// </remarks>
/// <param name="Sources">
/// For each token of the output, the index of the input's token, -1 for zeros; no index occurs twice.
/// </param>
internal sealed record ArrangeTokens(IReadOnlyList<int> Sources) : Operator
{
    /// <summary>The entry of <see cref="Sources"/> for a token of zeros.</summary>
    public const int Zeros = TokenOrder.Zeros;

    /// <summary>How many tokens the input must have; null if no input fits.</summary>
    private readonly int? _tokensNeeded = TokensNeeded(Sources);

    /// <summary>For each token of the output, the index of the input's token, -1 for zeros.</summary>
    public IReadOnlyList<int> Sources { get; init; } = [.. Sources];

    /// <inheritdoc />
    public override string Kind => "arrange_tokens";

    /// <summary>
    /// The tokens of a grid column by column, <c>y[j·height + i] = x[i·width + j]</c>. Its inverse has height and width
    /// exchanged.
    /// </summary>
    /// <param name="height">The rows of the input's grid.</param>
    /// <param name="width">The columns of the input's grid.</param>
    public static ArrangeTokens ByColumn(int height, int width) =>
        new(TokenOrder.ByColumn(height, width));

    /// <summary>The inverse arrangement, without the tokens of zeros.</summary>
    /// <param name="tokens">How many tokens the input had; each must be a source.</param>
    public ArrangeTokens Inverse(int tokens) => new(TokenOrder.Inverse(Sources, tokens));

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows)
    {
        int side = (int)Math.Sqrt(rows);
        return side * side == rows && Equals(ByColumn(side, side)) ? inputs[0].Layout : GridLayout.None(rows);
    }

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        inputs[0].Places is { } places && !Sources.Contains(Zeros)
            ? places with { Places = [.. Sources.Select(source => places.Places[source])] }
            : null;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        bool fits = inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] >= _tokensNeeded;
        Require(fits, inputs, "[tokens, channels] with each source, and each source once");
        return [Sources.Count, inputs[0][1]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        var y = new FloatTensor([batch, Sources.Count, channels]);
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < Sources.Count; t++)
            {
                if (Sources[t] != Zeros)
                {
                    x.Span.Slice(
                        (b * tokens + Sources[t]) * channels,
                        channels).CopyTo(y.Span[((b * Sources.Count + t) * channels)..]);
                }
            }
        }
        return y;
    }

    private static int? TokensNeeded(IReadOnlyList<int> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        int needed = 0;
        foreach (int source in sources)
        {
            if (source is < Zeros or int.MaxValue)
                return null;
            needed = Math.Max(needed, source + 1);
        }
        var found = new HashSet<int>(sources.Count);
        return sources.Count > 0 && sources.All(source => source == Zeros || found.Add(source)) ? needed : null;
    }

    /// <summary>Whether two arrangements have the same sources.</summary>
    public bool Equals(ArrangeTokens? other) => other is not null && Sources.SequenceEqual(other.Sources);

    /// <inheritdoc />
    public override int GetHashCode() =>
        Sources.Count == 0 ? 0 : HashCode.Combine(Sources.Count, Sources[0], Sources[Sources.Count / 2], Sources[^1]);
}
