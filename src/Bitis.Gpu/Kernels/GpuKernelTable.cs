using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels;

/// <summary>All ways to compute an operation, the best first.</summary>
/// <typeparam name="TShape">What the text depends on.</typeparam>
/// <param name="rows">The ways.</param>
internal sealed class GpuKernelTable<TShape>(params IReadOnlyList<GpuKernelRow<TShape>> rows)
{
    /// <summary>The ways, the best first.</summary>
    public IReadOnlyList<GpuKernelRow<TShape>> Rows { get; } = rows;

    /// <summary>The best way for a shape on a device.</summary>
    /// <param name="capability">The device's capability.</param>
    /// <param name="shape">The shape.</param>
    /// <exception cref="BitisException">There is none.</exception>
    public GpuKernelRow<TShape> Best(ComputeCapability capability, TShape shape) =>
        Rows.FirstOrDefault(row => capability >= row.Least && row.Fits(shape))
        ?? throw new BitisException($"There is no GPU kernel for {shape} and compute capability {capability}.");
}
