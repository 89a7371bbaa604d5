using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>Inserts a learned token, the class token, before the token at <paramref name="Position"/>.</summary>
/// <param name="Position">The new token's index in the output; Vim's middle class token has <c>tokens / 2</c>.</param>
/// <param name="Channels">The size of a token.</param>
internal sealed record InsertToken(int Position, int Channels) : Operator
{
    /// <inheritdoc />
    public override string Kind => "insert_token";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [new("token", [1, 1, Channels])];

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        inputs[0].Layout is { IsGrid: true, ExtraRow: < 0 } grid
            ? grid with { Rows = rows, ExtraRow = Position }
            : GridLayout.None(rows);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireSetting("position", Position, 0);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][1] == Channels && Position <= inputs[0][0]
                && inputs[0][0] < int.MaxValue,
            inputs,
            $"[at least {Position} tokens, {Channels}]");
        return [inputs[0][0] + 1, Channels];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        int batch = x.Shape[0], tokens = x.Shape[1];
        FloatTensor y = FloatTensor.Uninitialized([batch, tokens + 1, Channels]);
        int before = Position * Channels;
        for (int b = 0; b < batch; b++)
        {
            ReadOnlySpan<float> source = x.Span.Slice(b * tokens * Channels, tokens * Channels);
            Span<float> target = y.Span.Slice(b * (tokens + 1) * Channels, (tokens + 1) * Channels);
            source[..before].CopyTo(target);
            parameters[0].Span.CopyTo(target[before..]);
            source[before..].CopyTo(target[(before + Channels)..]);
        }
        return y;
    }
}
