using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>Root-mean-square normalization of each token: <c>y = x / √(mean(x²) + ε) · w</c>.</summary>
/// <param name="Channels">The size of a token.</param>
/// <param name="Epsilon">ε, added to the mean square.</param>
internal sealed record RmsNorm(int Channels, float Epsilon) : Operator
{
    /// <inheritdoc />
    public override string Kind => "rms_norm";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [new("weight", [Channels])];

    /// <inheritdoc />
    internal override bool TakesOutputFactors => true;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireEpsilon(Epsilon);
        Require(inputs.Length == 1 && inputs[0].Rank >= 1 && inputs[0][^1] == Channels, inputs, $"[..., {Channels}]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [..., channels]
        ReadOnlySpan<float> weight = parameters[0].Span;
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int start = 0; start < x.Length; start += Channels)
        {
            ReadOnlySpan<float> token = x.Span.Slice(start, Channels);
            double squares = 0;
            foreach (float value in token)
                squares += (double)value * value;
            double inverse = 1 / Math.Sqrt(squares / Channels + Epsilon);
            for (int c = 0; c < Channels; c++)
                y.Span[start + c] = (float)(token[c] * inverse) * weight[c];
        }
        return y;
    }
}
