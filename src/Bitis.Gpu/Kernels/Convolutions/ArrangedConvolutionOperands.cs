using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The operands of convolutions along tokens in other orders on a device.</summary>
internal sealed class ArrangedConvolutionOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>x, rows <see cref="ArrangedConvolutionShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The input's row of each step, −1 for zeros, <c>[directions, steps]</c>.</summary>
    public required GpuBuffer Rows { get; init; }

    /// <summary>The weights, <c>[directions, taps, channels]</c>; of a quantized layer, levels as floats.</summary>
    public required GpuBuffer Weights { get; init; }

    /// <summary>The biases, <c>[directions, channels]</c>.</summary>
    public required GpuBuffer Biases { get; init; }

    /// <summary>The outputs in the order of the steps, direction after direction.</summary>
    public required GpuBuffer Output { get; init; }

    /// <summary>The rows of all images between the outputs of two directions.</summary>
    public required int RowsOfDirection { get; init; }

    /// <summary>Of a quantized layer: what levels need, four rows a direction.</summary>
    public GpuBuffer? InputQuantizers { get; init; }

    /// <summary>Of levels that scans read: 1/scale, lowest and highest level, three rows a direction.</summary>
    public GpuBuffer? ScanQuantizers { get; init; }

    /// <summary>Levels of the outputs, in the same order.</summary>
    public GpuBuffer? LevelTarget { get; init; }

    /// <summary>Their parameters: <c>[directions, steps]</c>, factors <c>[directions, channels]</c>.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>A launch of <see cref="ArrangedConvolutionKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(
        GpuFunction function, GpuKernelRow<ArrangedConvolutionShape> row, ArrangedConvolutionShape shape)
    {
        List<GpuArgument> arguments = [Input, Rows, Weights, Biases, Output, RowsOfDirection];
        if (shape.QuantizesInput)
            arguments.Add(RequiredBuffer.Of(InputQuantizers));
        if (shape.WritesScanLevels)
            arguments.Add(RequiredBuffer.Of(ScanQuantizers));
        if (shape.Levels is not null)
            arguments.Add(RequiredBuffer.Of(LevelTarget));
        LevelOperands.AddTo(arguments, shape.Levels, Levels);
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
