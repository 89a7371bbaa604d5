using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The operands of a block's convolutions on a device. Tokens lie in their natural order.</summary>
internal sealed class ConvolutionOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>x, <c>[images, tokens, channels]</c>; rows <see cref="ConvolutionShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The weights, <c>[2, taps, channels]</c>; of a quantized layer, their levels as floats.</summary>
    public required GpuBuffer Weights { get; init; }

    /// <summary>The biases, <c>[2, channels]</c>.</summary>
    public required GpuBuffer Biases { get; init; }

    /// <summary>u of the forward direction, rows <see cref="ConvolutionShape.OutputStride"/> apart.</summary>
    public required GpuArgument Forward { get; init; }

    /// <summary>u of the backward direction.</summary>
    public required GpuArgument Backward { get; init; }

    /// <summary>Of a quantized layer: what levels need, <c>[2, 4, channels]</c>.</summary>
    /// <remarks>
    /// For each channel, 1/scale of the input, its lowest and its highest level less the zero point, and what sums of
    /// levels are multiplied by.
    /// </remarks>
    public GpuBuffer? InputQuantizers { get; init; }

    /// <summary>Of levels that a scan reads: 1/scale, lowest and highest level, <c>[2, 3, channels]</c>.</summary>
    public GpuBuffer? ScanQuantizers { get; init; }

    /// <summary>Levels of the forward direction, <see cref="ConvolutionShape.LevelStride"/> apart.</summary>
    public GpuArgument? ForwardLevels { get; init; }

    /// <summary>Levels of the backward direction.</summary>
    public GpuArgument? BackwardLevels { get; init; }

    /// <summary>The parameters of the levels: <c>[2, tokens]</c>, factors <c>[2, channels]</c>.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>A launch of <see cref="ConvolutionKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<ConvolutionShape> row, ConvolutionShape shape)
    {
        List<GpuArgument> arguments = [Input, Weights, Biases, Forward, Backward];
        if (shape.QuantizesInput)
            arguments.Add(RequiredBuffer.Of(InputQuantizers));
        if (shape.WritesScanLevels)
            arguments.Add(RequiredBuffer.Of(ScanQuantizers));
        if (shape.Levels is not null)
        {
            arguments.Add(ForwardLevels ?? throw new ArgumentException("The kernel needs levels.", nameof(shape)));
            arguments.Add(BackwardLevels ?? throw new ArgumentException("The kernel needs levels.", nameof(shape)));
        }
        LevelOperands.AddTo(arguments, shape.Levels, Levels);
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
