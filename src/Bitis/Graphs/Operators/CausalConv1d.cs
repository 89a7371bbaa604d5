using System.Text.Json.Serialization;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>
/// A depthwise convolution along the tokens that sees only past tokens:
/// <c>y[t, c] = b[c] + Σₖ w[c, k] · x[t − (K−1) + k, c]</c>, with zeros before the first token.
/// </summary>
/// <param name="Channels">The size of a token.</param>
/// <param name="KernelSize">K, the number of tokens that the kernel covers.</param>
internal sealed record CausalConv1d(int Channels, [property: JsonPropertyName("kernel")] int KernelSize) : Operator
{
    /// <inheritdoc />
    public override string Kind => "causal_conv1d";

    /// <inheritdoc />
    internal override InputScales FinestScales => InputScales.Channels;

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters =>
        [new("weight", [Channels, 1, KernelSize]), new("bias", [Channels])];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireSetting("kernel", KernelSize, 1);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][1] == Channels, inputs, $"[tokens, {Channels}]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        ReadOnlySpan<float> weight = parameters[0].Span, bias = parameters[1].Span; // [channels, 1, kernel], [channels]
        int batch = x.Shape[0], tokens = x.Shape[1];
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int b = 0; b < batch; b++)
        {
            int image = b * tokens * Channels;
            for (int t = 0; t < tokens; t++)
            {
                for (int c = 0; c < Channels; c++)
                {
                    double sum = bias[c];
                    for (int k = 0; k < KernelSize; k++)
                    {
                        int source = t - (KernelSize - 1) + k;
                        if (source >= 0)
                            sum += (double)weight[c * KernelSize + k] * x.Span[image + source * Channels + c];
                    }
                    y.Span[image + t * Channels + c] = (float)sum;
                }
            }
        }
        return y;
    }
}
