using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>The operands of a norm on a device.</summary>
internal sealed class NormOperands
{
    /// <summary>The values whose sum is normalized, as <see cref="NormShape.Terms"/> says.</summary>
    public required IReadOnlyList<GpuArgument> Terms { get; init; }

    /// <summary>Rows of the output.</summary>
    public required GpuBuffer Output { get; init; }

    /// <summary>The factor of each column.</summary>
    public required GpuBuffer Weight { get; init; }

    /// <summary>How many rows there are.</summary>
    public required int Rows { get; init; }

    /// <summary>Of a centered norm: what is added to each column.</summary>
    public GpuBuffer? Bias { get; init; }

    /// <summary>Where the sum goes, which may be the place of a term; rows without gaps.</summary>
    public GpuBuffer? Sum { get; init; }

    /// <summary>Of written levels: their parameters, for each row.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>A launch of <see cref="NormKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<NormShape> row, NormShape shape)
    {
        List<GpuArgument> arguments = [.. Terms, Output, Weight, Rows];
        if (shape.IsCentered)
            arguments.Add(RequiredBuffer.Of(Bias));
        if (shape.WritesSum)
            arguments.Add(RequiredBuffer.Of(Sum));
        LevelOperands.AddTo(arguments, shape.Levels, Levels);
        return new GpuLaunch(function, row.Grid(shape, Rows), [.. arguments]);
    }
}
