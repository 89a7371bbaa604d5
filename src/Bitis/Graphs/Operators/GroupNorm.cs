using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>Group normalization (Wu and He, 2018).</summary>
/// <remarks>
/// Neighbouring channels form groups. Each group is normalized over all tokens of an image:
/// <c>y = (x − mean(group)) / √(var(group) + ε) · w + b</c> with w and b of each channel.
/// </remarks>
/// <param name="Channels">The size of a token.</param>
/// <param name="Groups">The number of groups; divides the channels.</param>
/// <param name="Epsilon">ε, added to the (biased) variance.</param>
internal sealed record GroupNorm(int Channels, int Groups, float Epsilon) : Operator
{
    /// <inheritdoc />
    public override string Kind => "group_norm";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [new("weight", [Channels]), new("bias", [Channels])];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireEpsilon(Epsilon);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] > 0 && inputs[0][1] == Channels, inputs,
            $"[tokens, {Channels}]");
        if (Groups < 1 || Channels % Groups != 0)
        {
            throw new ArgumentException(
                $"{Kind} cannot divide {Channels} channels into {Groups} groups.", nameof(inputs));
        }

        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        ReadOnlySpan<float> weight = parameters[0].Span, bias = parameters[1].Span;
        int image = x.Shape[1] * Channels, width = Channels / Groups;
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int start = 0; start < x.Length; start += image)
        {
            for (int first = 0; first < Channels; first += width)
            {
                (double mean, double inverse) = Statistics(x.Span.Slice(start, image), first, width);
                for (int i = 0; i < image; i++)
                {
                    int c = i % Channels;
                    if (c >= first && c < first + width)
                        y.Span[start + i] = (float)((x.Span[start + i] - mean) * inverse) * weight[c] + bias[c];
                }
            }
        }
        return y;
    }

    /// <summary>The mean of a group, and 1 / √(its variance + ε).</summary>
    private (double Mean, double Inverse) Statistics(ReadOnlySpan<float> tokens, int first, int width)
    {
        double sum = 0, squares = 0;
        for (int token = 0; token < tokens.Length; token += Channels)
        {
            foreach (float value in tokens.Slice(token + first, width))
                sum += value;
        }
        int count = tokens.Length / Groups;
        double mean = sum / count;
        for (int token = 0; token < tokens.Length; token += Channels)
        {
            foreach (float value in tokens.Slice(token + first, width))
                squares += (value - mean) * (value - mean);
        }
        return (mean, 1 / Math.Sqrt(squares / count + Epsilon));
    }
}
