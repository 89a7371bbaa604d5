using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>The operands of a norm on a device.</summary>
internal sealed class NormOperands
{
    /// <summary>Rows of floats, <see cref="NormShape.InputStride"/> apart.</summary>
    public required GpuBuffer Input { get; init; }

    /// <summary>Rows of the output.</summary>
    public required GpuBuffer Output { get; init; }

    /// <summary>The factor of each column.</summary>
    public required GpuBuffer Weight { get; init; }

    /// <summary>How many rows there are.</summary>
    public required int Rows { get; init; }

    /// <summary>Of a centered norm: what is added to each column.</summary>
    public GpuBuffer? Bias { get; init; }

    /// <summary>The residual stream, rows of float32.</summary>
    public GpuBuffer? Stream { get; init; }

    /// <summary>Of written levels: 1/scale of each row.</summary>
    public GpuBuffer? InverseScales { get; init; }

    /// <summary>Of written levels: the zero point of each row, a float.</summary>
    public GpuBuffer? ZeroPoints { get; init; }

    /// <summary>A launch of <see cref="NormKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<NormShape> row, NormShape shape)
    {
        List<GpuArgument> arguments = [Input, Output, Weight, Rows];
        if (shape.IsCentered)
            arguments.Add(RequiredBuffer.Of(Bias));
        if (shape.UpdatesStream)
            arguments.Add(RequiredBuffer.Of(Stream));
        if (shape.WritesLevels)
        {
            arguments.Add(RequiredBuffer.Of(InverseScales));
            arguments.Add(RequiredBuffer.Of(ZeroPoints));
        }
        return new GpuLaunch(function, row.Grid(shape, Rows), [.. arguments]);
    }
}
