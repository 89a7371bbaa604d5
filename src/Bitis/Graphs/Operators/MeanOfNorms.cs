using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>
/// Several sequences as one vector each: the mean over the tokens of their layer normalization,
/// <c>[tokens, channels]</c> each to <c>[sequences, channels]</c>.
/// </summary>
/// <remarks>The channel gate of a LocalMamba block takes this from each scan direction.</remarks>
/// <param name="Channels">The size of a token.</param>
/// <param name="Epsilon">Added to the variance before the root.</param>
internal sealed record MeanOfNorms(int Channels, float Epsilon) : Operator
{
    /// <inheritdoc />
    public override string Kind => "mean_of_norms";

    /// <inheritdoc />
    internal override bool PassesScanOn => false;

    /// <inheritdoc />
    internal override bool TakesIndexMap(int input) => true;

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Invariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [new("weight", [Channels]), new("bias", [Channels])];

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.None(rows);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireEpsilon(Epsilon);
        bool fits = inputs.Length > 0;
        foreach (Shape input in inputs)
            fits &= input.Rank == 2 && input[0] > 0 && input[1] == Channels;
        Require(fits, inputs, $"sequences [tokens, {Channels}]");
        return [inputs.Length, Channels];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        int batch = inputs[0].Shape[0];
        var norm = new LayerNorm(Channels, Epsilon);
        var mean = new MeanTokens();
        FloatTensor y = FloatTensor.Uninitialized([batch, inputs.Length, Channels]);
        for (int i = 0; i < inputs.Length; i++)
        {
            FloatTensor means = mean.Forward([norm.Forward([inputs[i]], parameters)], []); // [batch, channels]
            for (int b = 0; b < batch; b++)
                means.Span.Slice(b * Channels, Channels).CopyTo(y.Span[((b * inputs.Length + i) * Channels)..]);
        }
        return y;
    }
}
