using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The operands of a block's scans on a device. Tokens lie in their natural order in all of them.</summary>
internal sealed class ScanOperands
{
    /// <summary>How many images there are.</summary>
    public required int Images { get; init; }

    /// <summary>u of the forward direction, rows <see cref="ScanShape.InputStride"/> apart.</summary>
    public required GpuBuffer Forward { get; init; }

    /// <summary>u of the backward direction.</summary>
    public required GpuBuffer Backward { get; init; }

    /// <summary>Δ before its projection, B and C of the forward direction, <c>[images, tokens, R + 2N]</c>.</summary>
    public required GpuBuffer ForwardParameters { get; init; }

    /// <summary>Δ before its projection, B and C of the backward direction.</summary>
    public required GpuBuffer BackwardParameters { get; init; }

    /// <summary>The projections of Δ, <c>[2, channels, R]</c>; of levels, rows of whole words.</summary>
    public required GpuBuffer DeltaWeights { get; init; }

    /// <summary>Their biases, <c>[2, channels]</c>.</summary>
    public required GpuBuffer DeltaBiases { get; init; }

    /// <summary>Of levels: the weights' scales, <c>[2, channels]</c>.</summary>
    public GpuBuffer? DeltaWeightScales { get; init; }

    /// <summary>Of levels: the sums of the weights' levels, <c>[2, channels]</c>.</summary>
    public GpuBuffer? DeltaWeightSums { get; init; }

    /// <summary>Of levels: the scales of the input, <c>[2, tokens]</c>.</summary>
    public GpuBuffer? DeltaScales { get; init; }

    /// <summary>Of levels: 1/scale of the input, <c>[2, tokens]</c>.</summary>
    public GpuBuffer? DeltaInverseScales { get; init; }

    /// <summary>Of levels: the zero points of the input, integers, <c>[2, tokens]</c>.</summary>
    public GpuBuffer? DeltaZeroPoints { get; init; }

    /// <summary>What the recurrence needs besides, in the order of the kernel's parameters.</summary>
    /// <remarks>
    /// Of float32: A·log₂ e = −exp(A_log)·log₂ e, <c>[2, channels, N]</c>, and D, <c>[2, channels]</c>. Of integers:
    /// what <see cref="LevelStates"/> takes.
    /// </remarks>
    public required IReadOnlyList<GpuBuffer> States { get; init; }

    /// <summary>z, rows <see cref="ScanShape.GateStride"/> apart; its first value.</summary>
    public required GpuArgument Gate { get; init; }

    /// <summary>The output, rows <see cref="ScanShape.OutputStride"/> apart.</summary>
    public required GpuBuffer Output { get; init; }

    /// <summary>Of written levels: 1/scale of each token.</summary>
    public GpuBuffer? InverseScales { get; init; }

    /// <summary>Of written levels: the zero point of each token, a float.</summary>
    public GpuBuffer? ZeroPoints { get; init; }

    /// <summary>A launch of <see cref="ScanKernels"/>.</summary>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public GpuLaunch Launch(GpuFunction function, GpuKernelRow<ScanShape> row, ScanShape shape)
    {
        List<GpuArgument> arguments = [
            Forward, Backward, ForwardParameters, BackwardParameters, Gate, Output, DeltaWeights, DeltaBiases];
        if (shape.DeltaMaxLevel is not null)
        {
            arguments.Add(RequiredBuffer.Of(DeltaWeightScales));
            arguments.Add(RequiredBuffer.Of(DeltaWeightSums));
            arguments.Add(RequiredBuffer.Of(DeltaScales));
            arguments.Add(RequiredBuffer.Of(DeltaInverseScales));
            arguments.Add(RequiredBuffer.Of(DeltaZeroPoints));
        }
        foreach (GpuBuffer buffer in States)
            arguments.Add(buffer);
        if (shape.WritesLevels)
        {
            arguments.Add(RequiredBuffer.Of(InverseScales));
            arguments.Add(RequiredBuffer.Of(ZeroPoints));
        }
        return new GpuLaunch(function, row.Grid(shape, Images), [.. arguments]);
    }
}
