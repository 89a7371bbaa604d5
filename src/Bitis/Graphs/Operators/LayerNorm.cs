using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>Layer normalization of each token: <c>y = (x − mean(x)) / √(var(x) + ε) · w + b</c>.</summary>
/// <param name="Channels">The size of a token.</param>
/// <param name="Epsilon">ε, added to the (biased) variance.</param>
internal sealed record LayerNorm(int Channels, float Epsilon) : Operator
{
    /// <inheritdoc />
    public override string Kind => "layer_norm";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters =>
        [new("weight", [Channels]), new("bias", [Channels])];

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
        ReadOnlySpan<float> weight = parameters[0].Span, bias = parameters[1].Span;
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int start = 0; start < x.Length; start += Channels)
        {
            ReadOnlySpan<float> token = x.Span.Slice(start, Channels);
            double mean = 0, variance = 0;
            foreach (float value in token)
                mean += value;
            mean /= Channels;
            foreach (float value in token)
                variance += (value - mean) * (value - mean);
            double inverse = 1 / Math.Sqrt(variance / Channels + Epsilon);
            for (int c = 0; c < Channels; c++)
                y.Span[start + c] = (float)((token[c] - mean) * inverse) * weight[c] + bias[c];
        }
        return y;
    }
}
