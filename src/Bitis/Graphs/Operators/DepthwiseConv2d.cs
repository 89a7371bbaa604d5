using System.Text.Json.Serialization;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>A depthwise convolution over tokens that lie on a grid row by row.</summary>
/// <remarks>
/// Zeros around the grid keep its size:
/// <c>y[(i, j), c] = b[c] + Σ w[c, 0, m, n] · x[(i − K/2 + m, j − K/2 + n), c]</c>.
/// </remarks>
/// <param name="Channels">The size of a token.</param>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="KernelSize">K, the side of the square kernel; odd.</param>
/// <param name="HasBias">Whether there is a bias.</param>
internal sealed record DepthwiseConv2d(
    int Channels, int Height, int Width, [property: JsonPropertyName("kernel")] int KernelSize, bool HasBias) : Operator
{
    /// <inheritdoc />
    public override string Kind => "depthwise_conv2d";

    /// <inheritdoc />
    internal override Operator WithBias => this with { HasBias = true };

    /// <inheritdoc />
    internal override InputScales FinestScales => InputScales.Channels;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => HasBias
        ? [new("weight", [Channels, 1, KernelSize, KernelSize]), new("bias", [Channels])]
        : [new("weight", [Channels, 1, KernelSize, KernelSize])];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireSetting("height", Height, 1, MaxSide);
        RequireSetting("width", Width, 1, MaxSide);
        RequireSetting("kernel", KernelSize, 1, MaxSide);
        Require(
            inputs.Length == 1 && inputs[0] == [Height * Width, Channels], inputs, $"[{Height * Width}, {Channels}]");
        if (KernelSize % 2 == 0)
            throw new ArgumentException($"{Kind} needs an odd kernel, not {KernelSize}.", nameof(inputs));
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, height·width, channels]
        ReadOnlySpan<float> weight = parameters[0].Span; // [channels, 1, kernel, kernel]
        int batch = x.Shape[0], tokens = Height * Width;
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int row = 0; row < batch * tokens; row++)
        {
            ReadOnlySpan<float> image = x.Span.Slice(row / tokens * tokens * Channels, tokens * Channels);
            for (int c = 0; c < Channels; c++)
            {
                double sum = HasBias ? parameters[1].Span[c] : 0;
                for (int tap = 0; tap < KernelSize * KernelSize; tap++)
                {
                    if (Source(row % tokens, tap) is { } source)
                        sum += (double)weight[c * KernelSize * KernelSize + tap] * image[source * Channels + c];
                }
                y.Span[row * Channels + c] = (float)sum;
            }
        }
        return y;
    }

    /// <summary>The token that a tap of the kernel sees from a token, or null if it is outside the grid.</summary>
    public int? Source(int token, int tap)
    {
        int row = token / Width + tap / KernelSize - KernelSize / 2,
            column = token % Width + tap % KernelSize - KernelSize / 2;
        return row >= 0 && row < Height && column >= 0 && column < Width ? row * Width + column : null;
    }
}
