using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>The operands of a linear layer on a device.</summary>
internal sealed class LinearOperands
{
    /// <summary>Rows of the input, <see cref="LinearShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>Rows of weights, one for each output, <see cref="LinearShape.WeightStride"/> apart.</summary>
    public required GpuBuffer Weights { get; init; }

    /// <summary>Rows of the output, <see cref="LinearShape.OutputStride"/> elements apart.</summary>
    public required GpuArgument Output { get; init; }

    /// <summary>How many rows there are.</summary>
    public required int Rows { get; init; }

    /// <summary>The bias, <c>[outputs]</c>.</summary>
    public GpuBuffer? Bias { get; init; }

    /// <summary>Of levels: the scale of each input row.</summary>
    public GpuBuffer? InputScales { get; init; }

    /// <summary>Of levels: the zero point of each input row, an integer.</summary>
    public GpuBuffer? InputZeroPoints { get; init; }

    /// <summary>Of levels: the scale of each output.</summary>
    public GpuBuffer? WeightScales { get; init; }

    /// <summary>Of levels: the sum of the weights' levels of each output.</summary>
    public GpuBuffer? ColumnSums { get; init; }

    /// <summary>Of written levels: their parameters, for each row.</summary>
    public LevelOperands? OutputLevels { get; init; }

    /// <summary>Of outputs in two places: where those that stay floats go.</summary>
    public GpuArgument? Rest { get; init; }

    /// <summary>Of outputs in two places: 1/scale, lowest and highest centered level of each column.</summary>
    public GpuBuffer? ColumnQuantizers { get; init; }

    /// <summary>Of groups: what lies between one and the next; null for one layer.</summary>
    public LinearGroupOffsets? Offsets { get; init; }

    /// <summary>A launch of a kernel from <see cref="LinearKernels"/>.</summary>
    /// <param name="function">The kernel, ready.</param>
    /// <param name="row">Its row of the table.</param>
    /// <param name="shape">Its shape.</param>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<LinearShape> row, LinearShape shape)
    {
        List<GpuArgument> arguments = [Input, Weights, Output, Rows];
        if (shape.HasBias)
            arguments.Add(RequiredBuffer.Of(Bias));
        if (shape.Numbers == LinearNumbers.Levels)
        {
            arguments.Add(RequiredBuffer.Of(InputScales));
            arguments.Add(RequiredBuffer.Of(InputZeroPoints));
            arguments.Add(RequiredBuffer.Of(WeightScales));
            arguments.Add(RequiredBuffer.Of(ColumnSums));
        }
        LevelOperands.AddTo(arguments, shape.Levels, OutputLevels);
        if (shape.Split is not null)
        {
            arguments.Add(Rest ?? throw new ArgumentException("The kernel needs a second output.", nameof(shape)));
            arguments.Add(RequiredBuffer.Of(ColumnQuantizers));
        }
        if (shape.Groups > 1)
        {
            LinearGroupOffsets offsets = Offsets
                ?? throw new ArgumentException("The kernel needs the offsets of groups.", nameof(shape));
            arguments.AddRange([offsets.InputBytes, offsets.OutputElements, offsets.Rows]);
        }
        return new GpuLaunch(function, row.Grid(shape, Rows), [.. arguments]);
    }
}
