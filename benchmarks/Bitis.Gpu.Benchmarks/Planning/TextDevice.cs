using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks.Planning;

/// <summary>A device that plans are made for and that computes nothing: it collects kernels and launches.</summary>
/// <param name="target">The processor that texts are for.</param>
/// <param name="multiprocessors">How many multiprocessors it pretends to have.</param>
internal sealed class TextDevice(PtxTarget target, int multiprocessors) : GpuDevice
{
    private ulong _nextAddress = 1 << 20;

    /// <summary>The kernels that plans asked for.</summary>
    public List<PtxKernel> Kernels { get; } = [];

    /// <inheritdoc />
    public override string Name => target.Name;

    /// <inheritdoc />
    public override ComputeCapability Capability => target.Capability;

    /// <inheritdoc />
    public override int Multiprocessors => multiprocessors;

    /// <inheritdoc />
    public override long CacheBytes => 50L << 20;

    /// <inheritdoc />
    public override int MaxSharedBytes => target == PtxTarget.Sm90a ? 227 << 10 : 163 << 10;

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        ulong address = _nextAddress;
        _nextAddress += (ulong)(bytes + 255) / 256 * 256;
        return new TextBuffer(address, bytes);
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel)
    {
        Kernels.Add(kernel);
        return new TextFunction(kernel);
    }

    /// <inheritdoc />
    public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches) => throw Nothing();

    /// <inheritdoc />
    public override void Run(IReadOnlyList<GpuLaunch> launches) => throw Nothing();

    /// <inheritdoc />
    public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches) => throw Nothing();

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
    }

    private static NotSupportedException Nothing() => new("This device only collects texts.");

    private sealed class TextFunction(PtxKernel kernel) : GpuFunction(kernel)
    {
        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class TextBuffer(ulong address, long bytes) : GpuBuffer(address, bytes)
    {
        protected override void WriteBytes(ReadOnlySpan<byte> source)
        {
        }

        protected override void ReadBytes(Span<byte> target) => throw Nothing();

        protected override void Dispose(bool disposing)
        {
        }
    }
}
