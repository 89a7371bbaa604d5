using System.Text.Json.Serialization;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>
/// A 2-D convolution over <c>[channels, height, width]</c> with square kernels; used to embed patches.
/// </summary>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output.</param>
/// <param name="KernelSize">Height and width of the kernel, in pixels.</param>
/// <param name="Stride">Distance between kernel positions, in pixels.</param>
/// <param name="Padding">Zeros around the image, in pixels.</param>
/// <param name="HasBias">Whether there is a bias.</param>
internal sealed record Conv2d(
    int InChannels, int OutChannels, [property: JsonPropertyName("kernel")] int KernelSize, int Stride, int Padding,
    bool HasBias) : Operator
{
    /// <inheritdoc />
    public override string Kind => "conv2d";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => HasBias
        ? [new("weight", [OutChannels, InChannels, KernelSize, KernelSize]), new("bias", [OutChannels])]
        : [new("weight", [OutChannels, InChannels, KernelSize, KernelSize])];

    /// <inheritdoc />
    internal override LayerProduct Product => new(InChannels, OutChannels, IsConvolution: true, IsOfMaps: true);

    /// <inheritdoc />
    internal override Operator WithBias => this with { HasBias = true };

    /// <inheritdoc />
    internal override InputScales FinestScales => InputScales.One;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("input channels", InChannels, 1);
        RequireSetting("output channels", OutChannels, 1);
        RequireSetting("kernel", KernelSize, 1, MaxSide);
        RequireSetting("stride", Stride, 1);
        RequireSetting("padding", Padding, 0, MaxSide);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 3 && inputs[0][0] == InChannels
                && OutputSize(inputs[0][1]) > 0 && OutputSize(inputs[0][2]) > 0,
            inputs,
            $"[{InChannels}, height, width] of at least {KernelSize - 2 * Padding} pixels");
        return [OutChannels, OutputSize(inputs[0][1]), OutputSize(inputs[0][2])];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, in, height, width]
        ReadOnlySpan<float> weight = parameters[0].Span; // [out, in, kernel, kernel]
        int batch = x.Shape[0], height = x.Shape[2], width = x.Shape[3];
        int outHeight = OutputSize(height), outWidth = OutputSize(width);
        FloatTensor y = FloatTensor.Uninitialized([batch, OutChannels, outHeight, outWidth]);
        int index = 0;
        for (int b = 0; b < batch; b++)
        {
            ReadOnlySpan<float> image = x.Span.Slice(b * InChannels * height * width, InChannels * height * width);
            for (int o = 0; o < OutChannels; o++)
            {
                ReadOnlySpan<float> kernel = weight.Slice(
                    o * InChannels * KernelSize * KernelSize, InChannels * KernelSize * KernelSize);
                double bias = HasBias ? parameters[1].Span[o] : 0;
                for (int row = 0; row < outHeight; row++)
                {
                    for (int column = 0; column < outWidth; column++)
                        y.Span[index++] = (float)(bias + Correlate(image, kernel, height, width, row, column));
                }
            }
        }
        return y;
    }

    /// <summary>The output's height or width for an input's.</summary>
    public int OutputSize(int size) => ConvolvedSize(size, KernelSize, Stride, Padding);

    private double Correlate(
        ReadOnlySpan<float> image, ReadOnlySpan<float> kernel, int height, int width, int row, int column)
    {
        double sum = 0;
        for (int c = 0; c < InChannels; c++)
        {
            for (int i = 0; i < KernelSize; i++)
            {
                int y = row * Stride - Padding + i;
                if (y < 0 || y >= height)
                    continue;
                for (int j = 0; j < KernelSize; j++)
                {
                    int x = column * Stride - Padding + j;
                    if (x >= 0 && x < width)
                    {
                        sum += (double)image[(c * height + y) * width + x]
                            * kernel[(c * KernelSize + i) * KernelSize + j];
                    }
                }
            }
        }
        return sum;
    }
}
