using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The operands of a depthwise convolution over a grid on a device.</summary>
internal sealed class DepthwiseOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>Tokens row by row, <see cref="DepthwiseShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The weights, <c>[side², channels]</c>; of a quantized layer, their levels as floats.</summary>
    public required GpuBuffer Weights { get; init; }

    /// <summary>The output, rows <see cref="DepthwiseShape.OutputStride"/> apart.</summary>
    public required GpuArgument Output { get; init; }

    /// <summary>The biases, <c>[channels]</c>.</summary>
    public GpuBuffer? Biases { get; init; }

    /// <summary>Of a quantized layer: what levels need, four rows; see <see cref="ChannelQuantizer"/>.</summary>
    public GpuBuffer? InputQuantizers { get; init; }

    /// <summary>Of levels that scans read: 1/scale, lowest and highest level, three rows.</summary>
    public GpuBuffer? ScanQuantizers { get; init; }

    /// <summary>Levels of the output, with their parameters for each token.</summary>
    public IReadOnlyList<(GpuBuffer Target, LevelOperands Parameters)> Levels { get; init; } = [];

    /// <summary>A launch of <see cref="DepthwiseKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<DepthwiseShape> row, DepthwiseShape shape)
    {
        List<GpuArgument> arguments = [Input, Weights, Output];
        if (shape.HasBias)
            arguments.Add(RequiredBuffer.Of(Biases));
        if (shape.QuantizesInput)
            arguments.Add(RequiredBuffer.Of(InputQuantizers));
        if (shape.WritesScanLevels)
            arguments.Add(RequiredBuffer.Of(ScanQuantizers));
        foreach ((LevelShape levels, (GpuBuffer target, LevelOperands parameters)) in shape.Levels.Zip(Levels))
        {
            arguments.Add(target);
            LevelOperands.AddTo(arguments, levels, parameters);
        }
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
