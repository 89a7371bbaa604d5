using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The operands of a block's scans on a device.</summary>
/// <remarks>
/// Without an arrangement, tokens lie in their natural order in all of them. What belongs to directions lies one
/// direction after the other.
/// </remarks>
internal sealed class ScanOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>u, rows <see cref="ScanShape.InputStride"/> apart.</summary>
    public required GpuArgument Input { get; init; }

    /// <summary>The elements between u of one direction and of the next; 0 if they read the same.</summary>
    public required int InputOffset { get; init; }

    /// <summary>Δ before its projection, B and C, rows <see cref="ScanShape.ParameterRowStride"/> apart.</summary>
    public required GpuArgument Parameters { get; init; }

    /// <summary>The elements between those of one direction and of the next.</summary>
    public required int ParameterOffset { get; init; }

    /// <summary>Of an arrangement: the row of u of each step, −1 for zeros, <c>[directions, tokens]</c>.</summary>
    public GpuBuffer? Rows { get; init; }

    /// <summary>Of an arrangement: the row of the output of each step, −1 for none.</summary>
    public GpuBuffer? Targets { get; init; }

    /// <summary>Of an arrangement: the elements between the outputs of two directions.</summary>
    public int OutputOffset { get; init; }

    /// <summary>The projections of Δ, <c>[directions, channels, R]</c>; of levels, rows of whole words.</summary>
    public required GpuBuffer DeltaWeights { get; init; }

    /// <summary>Their biases, <c>[directions, channels]</c>.</summary>
    public required GpuBuffer DeltaBiases { get; init; }

    /// <summary>Of a quantized projection of Δ: what else it needs.</summary>
    public LevelDeltaOperands? DeltaLevels { get; init; }

    /// <summary>What the recurrence needs besides, in the order of the kernel's parameters.</summary>
    /// <remarks>
    /// Of float32: A·log₂ e = −exp(A_log)·log₂ e, <c>[directions, channels, N]</c>, and D, <c>[directions,
    /// channels]</c>. Of integers: what <see cref="LevelStates"/> takes.
    /// </remarks>
    public required IReadOnlyList<GpuBuffer> States { get; init; }

    /// <summary>z, rows <see cref="ScanShape.GateStride"/> apart; its first value.</summary>
    public GpuArgument? Gate { get; init; }

    /// <summary>The output, rows <see cref="ScanShape.OutputStride"/> apart.</summary>
    public required GpuBuffer Output { get; init; }

    /// <summary>Of written levels: their parameters, for each token.</summary>
    public LevelOperands? OutputLevels { get; init; }

    /// <summary>A launch of <see cref="ScanKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<ScanShape> row, ScanShape shape)
    {
        List<GpuArgument> arguments = [Input, Parameters, Output, InputOffset, ParameterOffset];
        if (shape.HasGate)
            arguments.Add(Gate ?? throw new ArgumentException("The kernel needs z.", nameof(shape)));
        if (shape.Arrangement is not null)
        {
            arguments.Add(RequiredBuffer.Of(Rows));
            arguments.Add(RequiredBuffer.Of(Targets));
            arguments.Add(OutputOffset);
        }
        arguments.Add(DeltaWeights);
        arguments.Add(DeltaBiases);
        if (shape.DeltaLevels is { } levels)
        {
            arguments.Add(RequiredBuffer.Of(DeltaLevels?.WeightScales));
            arguments.Add(RequiredBuffer.Of(DeltaLevels?.WeightSums));
            arguments.Add(RequiredBuffer.Of(DeltaLevels?.Scales));
            arguments.Add(RequiredBuffer.Of(DeltaLevels?.InverseScales));
            arguments.Add(RequiredBuffer.Of(DeltaLevels?.ZeroPoints));
            if (levels.HasFactors)
                arguments.Add(RequiredBuffer.Of(DeltaLevels?.Factors));
        }
        foreach (GpuBuffer buffer in States)
            arguments.Add(buffer);
        LevelOperands.AddTo(arguments, shape.OutputLevels, OutputLevels);
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
