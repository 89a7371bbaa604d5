using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels;

/// <summary>One way to compute an operation.</summary>
/// <typeparam name="TShape">What the text depends on.</typeparam>
/// <param name="Name">The name, for tests and benchmarks.</param>
/// <param name="Least">The least compute capability that has its instructions.</param>
/// <param name="Fits">Whether it can compute a shape.</param>
/// <param name="Emit">Writes the text for a shape.</param>
/// <param name="Grid">The blocks for a shape and a number of rows or images.</param>
internal sealed record GpuKernelRow<TShape>(
    string Name, ComputeCapability Least, Func<TShape, bool> Fits, Func<TShape, PtxTarget, PtxKernel> Emit,
    Func<TShape, int, GpuGrid> Grid)
{
    /// <summary>The shared memory of a block that a device has to have; by default what all devices have.</summary>
    public Func<TShape, int> SharedBytes { get; init; } = _ => 0;
}
