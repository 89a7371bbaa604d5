using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>The operands of an elementwise operation on a device.</summary>
internal sealed class ElementOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>The first value.</summary>
    public required GpuArgument A { get; init; }

    /// <summary>The row of the first value for each row of the output, −1 for zeros.</summary>
    public GpuBuffer? MapOfA { get; init; }

    /// <summary>The second value.</summary>
    public GpuArgument? B { get; init; }

    /// <summary>The row of the second value for each row of the output.</summary>
    public GpuBuffer? MapOfB { get; init; }

    /// <summary>Of a rotation: cosines and sines, <c>[2, rows, columns]</c>.</summary>
    public GpuBuffer? Angles { get; init; }

    /// <summary>The output, which may be the place of a value without a map or a rotation.</summary>
    public required GpuArgument Output { get; init; }

    /// <summary>Of written levels: their parameters, for each row of an image.</summary>
    public LevelOperands? Levels { get; init; }

    /// <summary>A launch of <see cref="ElementKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<ElementShape> row, ElementShape shape)
    {
        List<GpuArgument> arguments = [A];
        if (shape.A.HasMap)
            arguments.Add(RequiredBuffer.Of(MapOfA));
        if (shape.B is not null)
            arguments.Add(B ?? throw new ArgumentException("The kernel needs a second value.", nameof(shape)));
        if (shape.B is { HasMap: true })
            arguments.Add(RequiredBuffer.Of(MapOfB));
        if (shape.Operation == ElementOperation.Rotate)
            arguments.Add(RequiredBuffer.Of(Angles));
        arguments.Add(Output);
        LevelOperands.AddTo(arguments, shape.Levels, Levels);
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
