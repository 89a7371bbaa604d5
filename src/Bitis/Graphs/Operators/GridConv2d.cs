using System.Text.Json.Serialization;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>A convolution over tokens that lie on a grid row by row, with zeros around it.</summary>
/// <remarks>
/// It is for the inside of a pyramid what <see cref="Conv2d"/> is for maps. It maps <c>[height·width, in]</c> to
/// <c>[height'·width', out]</c>: <c>y[(i, j), o] = b[o] + Σ w[o, c, m, n] · x[(i·S − P + m, j·S − P + n), c]</c>.
/// </remarks>
/// <param name="InChannels">The size of an input token.</param>
/// <param name="OutChannels">The size of an output token.</param>
/// <param name="Height">Rows of the input's grid.</param>
/// <param name="Width">Columns of the input's grid.</param>
/// <param name="KernelSize">The side of the square kernel.</param>
/// <param name="Stride">S, the distance between kernel positions.</param>
/// <param name="Padding">P, the zeros around the grid.</param>
internal sealed record GridConv2d(
    int InChannels, int OutChannels, int Height, int Width, [property: JsonPropertyName("kernel")] int KernelSize,
    int Stride, int Padding) : Operator
{
    /// <inheritdoc />
    public override string Kind => "grid_conv2d";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => HasBias
        ? [new("weight", [OutChannels, InChannels, KernelSize, KernelSize]), new("bias", [OutChannels])]
        : [new("weight", [OutChannels, InChannels, KernelSize, KernelSize])];

    /// <summary>True if there is no bias. Files say so only then, as those of earlier versions have one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? LacksBias { get; init; }

    /// <summary>Whether there is a bias.</summary>
    [JsonIgnore]
    public bool HasBias => LacksBias is not true;

    /// <summary>Rows of the output's grid.</summary>
    public int OutHeight => OutputSize(Height);

    /// <summary>Columns of the output's grid.</summary>
    public int OutWidth => OutputSize(Width);

    /// <inheritdoc />
    internal override LayerProduct Product => new(InChannels, OutChannels, IsConvolution: true);

    /// <inheritdoc />
    internal override Operator WithBias => this with { LacksBias = null };

    /// <inheritdoc />
    internal override InputScales FinestScales => InputScales.One;

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        TokenPlaces.Grid(OutHeight, OutWidth);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("input channels", InChannels, 1);
        RequireSetting("output channels", OutChannels, 1);
        RequireSetting("height", Height, 1, MaxSide);
        RequireSetting("width", Width, 1, MaxSide);
        RequireSetting("kernel", KernelSize, 1, MaxSide);
        RequireSetting("stride", Stride, 1);
        RequireSetting("padding", Padding, 0, MaxSide);
        bool fits = inputs.Length == 1 && inputs[0] == [Height * Width, InChannels] && OutHeight > 0 && OutWidth > 0;
        Require(fits, inputs, $"[{Height * Width}, {InChannels}]");
        return [SizeProduct(OutHeight, OutWidth), OutChannels];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, height·width, in]
        ReadOnlySpan<float> weight = parameters[0].Span; // [out, in, kernel, kernel]
        int batch = x.Shape[0], tokens = OutHeight * OutWidth, taps = KernelSize * KernelSize;
        FloatTensor y = FloatTensor.Uninitialized([batch, tokens, OutChannels]);
        for (int row = 0; row < batch * tokens; row++)
        {
            ReadOnlySpan<float> image = x.Span.Slice(
                row / tokens * Height * Width * InChannels, Height * Width * InChannels);
            for (int o = 0; o < OutChannels; o++)
            {
                double sum = HasBias ? parameters[1].Span[o] : 0;
                for (int tap = 0; tap < taps; tap++)
                {
                    if (Source(row % tokens, tap) is not { } source)
                        continue;
                    for (int c = 0; c < InChannels; c++)
                        sum += (double)weight[(o * InChannels + c) * taps + tap] * image[source * InChannels + c];
                }
                y.Span[row * OutChannels + o] = (float)sum;
            }
        }
        return y;
    }

    /// <summary>The input token that a tap of the kernel sees from an output token.</summary>
    /// <remarks>Null if it lies outside of the grid.</remarks>
    public int? Source(int token, int tap)
    {
        int row = token / OutWidth * Stride - Padding + tap / KernelSize,
            column = token % OutWidth * Stride - Padding + tap % KernelSize;
        return row >= 0 && row < Height && column >= 0 && column < Width ? row * Width + column : null;
    }

    private int OutputSize(int size) => ConvolvedSize(size, KernelSize, Stride, Padding);
}
