using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The operands of a block's convolutions and projections on a device.</summary>
/// <remarks>Tokens lie in their natural order, and the backward direction's values behind the other's.</remarks>
internal sealed class ProjectedConvolutionOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>x, <c>[images, tokens, channels]</c>; rows <see cref="ConvolutionShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The weights, <c>[2, taps, channels]</c>; of a quantized layer, their levels as floats.</summary>
    public required GpuBuffer Weights { get; init; }

    /// <summary>The biases, <c>[2, channels]</c>.</summary>
    public required GpuBuffer Biases { get; init; }

    /// <summary>u, rows <see cref="ConvolutionShape.OutputStride"/> apart.</summary>
    public required GpuArgument Output { get; init; }

    /// <summary>The elements between u of both directions.</summary>
    public required int OutputOffset { get; init; }

    /// <summary>Of a quantized layer: what levels need, <c>[2, 4, channels]</c>, as for convolutions alone.</summary>
    public GpuBuffer? InputQuantizers { get; init; }

    /// <summary>Of levels that a scan reads: 1/scale, lowest and highest level, <c>[2, 3, channels]</c>.</summary>
    public GpuBuffer? ScanQuantizers { get; init; }

    /// <summary>Of levels that the projections read: their parameters, <c>[2, tokens]</c>.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>The projections' weights, one direction after the other.</summary>
    public required GpuBuffer ProjectionWeights { get; init; }

    /// <summary>The projections' outputs, rows of float32.</summary>
    public required GpuArgument Parameters { get; init; }

    /// <summary>The elements between those of both directions.</summary>
    public required int ParameterOffset { get; init; }

    /// <summary>Of levels: the scale of each token, <c>[2, tokens]</c>.</summary>
    public GpuBuffer? LevelScales { get; init; }

    /// <summary>Of levels: the zero point of each token, an integer.</summary>
    public GpuBuffer? LevelZeroPoints { get; init; }

    /// <summary>Of levels: the scale of each output, <c>[2, outputs]</c>.</summary>
    public GpuBuffer? WeightScales { get; init; }

    /// <summary>Of levels: the sum of the weights' levels of each output.</summary>
    public GpuBuffer? ColumnSums { get; init; }

    /// <summary>A launch of <see cref="ProjectedConvolutionKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(
        GpuFunction function, GpuKernelRow<ProjectedConvolutionShape> row, ProjectedConvolutionShape shape)
    {
        ConvolutionShape convolution = shape.Convolution;
        List<GpuArgument> arguments = [Input, Weights, Biases, Output, OutputOffset];
        if (convolution.QuantizesInput)
            arguments.Add(RequiredBuffer.Of(InputQuantizers));
        if (convolution.WritesScanLevels)
            arguments.Add(RequiredBuffer.Of(ScanQuantizers));
        LevelOperands.AddTo(arguments, convolution.Levels, Levels);
        arguments.AddRange([ProjectionWeights, Parameters, ParameterOffset]);
        if (convolution.Levels is not null)
        {
            arguments.Add(RequiredBuffer.Of(LevelScales));
            arguments.Add(RequiredBuffer.Of(LevelZeroPoints));
            arguments.Add(RequiredBuffer.Of(WeightScales));
            arguments.Add(RequiredBuffer.Of(ColumnSums));
        }
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
