using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>Rounds an activation to the values of a quantizer's levels.</summary>
/// <remarks>This is what a quantized layer that is not learned does to its input.</remarks>
/// <param name="Quantizer">The input's quantizer.</param>
internal sealed record RoundInput(UniformQuantizer Quantizer) : Operator
{
    /// <inheritdoc />
    public override string Kind => "round";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [];

    /// <summary>Tokens have their scales in whichever order they lie: see <see cref="RoundInputGradient"/>.</summary>
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        bool fits = inputs.Length == 1 && inputs[0].Rank >= 1 && inputs[0][^1] > 0 && (Quantizer.Granularity switch
        {
            Granularity.PerToken => inputs[0].ElementCount / inputs[0][^1] == Quantizer.Scales.Length,
            Granularity.PerChannel => inputs[0][^1] == Quantizer.Scales.Length,
            _ => true,
        });
        Require(fits, inputs, $"[..., channels] with {Quantizer.Scales.Length} scales");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0], y = FloatTensor.Uninitialized(x.Shape); // [batch, tokens, channels]
        int channels = x.Shape[^1], tokens = x.Length / (x.Shape[0] * channels);
        for (int row = 0; row < x.Length / channels; row++)
        {
            Quantizer.Simulate(
                x.Span.Slice(row * channels, channels), row % tokens, y.Span.Slice(row * channels, channels));
        }

        return y;
    }
}
