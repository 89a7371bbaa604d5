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
    /// <remarks>
    /// It is the first one whose blocks keep all multiprocessors busy. If there is none, it is the one with most
    /// blocks.
    /// </remarks>
    /// <param name="device">The device.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="count">The rows or images, which decide how many blocks there are.</param>
    /// <exception cref="BitisException">There is no way.</exception>
    public GpuKernelRow<TShape> Best(GpuDevice device, TShape shape, int count) =>
        Find(device, shape, count)
            ?? throw new BitisException(
                $"There is no GPU kernel for {shape} and compute capability {device.Capability}.");

    /// <summary>As <see cref="Best"/>; null if there is no way.</summary>
    public GpuKernelRow<TShape>? Find(GpuDevice device, TShape shape, int count)
    {
        GpuKernelRow<TShape>[] fitting =
        [
            .. Rows.Where(row => device.Capability >= row.Least && row.Fits(shape)
                && row.SharedBytes(shape) <= device.MaxSharedBytes),
        ];
        return fitting.FirstOrDefault(row => row.Grid(shape, count).Blocks >= device.Multiprocessors)
            ?? fitting.MaxBy(row => row.Grid(shape, count).Blocks);
    }
}
