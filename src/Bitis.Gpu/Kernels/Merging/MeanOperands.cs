using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Merging;

/// <summary>The operands of a mean over the tokens on a device.</summary>
internal sealed class MeanOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>The tokens, <see cref="MeanShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The means, <see cref="MeanShape.OutputStride"/> apart.</summary>
    public required GpuArgument Output { get; init; }

    /// <summary>Of a mean of layer norms: their weight.</summary>
    public GpuBuffer? Weight { get; init; }

    /// <summary>Of a mean of layer norms: their bias.</summary>
    public GpuBuffer? Bias { get; init; }

    /// <summary>Of written levels: their parameters, one row.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>A launch of <see cref="MeanKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<MeanShape> row, MeanShape shape)
    {
        List<GpuArgument> arguments = [Input, Output];
        if (shape.Epsilon is not null)
        {
            arguments.Add(RequiredBuffer.Of(Weight));
            arguments.Add(RequiredBuffer.Of(Bias));
        }
        LevelOperands.AddTo(arguments, shape.Levels, Levels);
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
