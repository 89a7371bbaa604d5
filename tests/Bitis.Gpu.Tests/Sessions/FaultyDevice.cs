using System.Collections.Concurrent;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Sessions;

/// <summary>The interpreter, with calls that fail, and a count of what was not freed.</summary>
/// <param name="faults">Decides which calls fail.</param>
internal sealed class FaultyDevice(FaultyDevice.Faults faults) : GpuDevice
{
    /// <summary>Decoded texts, which take longer than all the rest.</summary>
    private static readonly ConcurrentDictionary<string, GpuFunction> Decoded = [];

    private readonly EmulatedDevice _device = new(PtxTarget.Sm80, seed: 7, cacheBytes: 1);

    /// <inheritdoc />
    public override string Name => "faulty";

    /// <inheritdoc />
    public override ComputeCapability Capability => _device.Capability;

    /// <inheritdoc />
    public override int Multiprocessors => _device.Multiprocessors;

    /// <inheritdoc />
    public override long CacheBytes => _device.CacheBytes;

    /// <inheritdoc />
    public override int MaxSharedBytes => _device.MaxSharedBytes;

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        faults.Next("allocation");
        return new Buffer(faults, _device.Allocate(bytes));
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel)
    {
        faults.Next("kernel");
        return new Function(faults, Decoded.GetOrAdd(kernel.Text, _ => _device.Load(kernel)));
    }

    /// <inheritdoc />
    public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches)
    {
        faults.Next("graph");
        return new Recording(faults, this, launches);
    }

    /// <inheritdoc />
    public override void Run(IReadOnlyList<GpuLaunch> launches)
    {
        faults.Next("launch");
        _device.Run(
            [.. launches.Select(launch => new GpuLaunch(
                ((Function)launch.Function).Inner, launch.Grid, [.. launch.Arguments]))]);
    }

    /// <inheritdoc />
    public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches) =>
        throw new NotSupportedException();

    /// <inheritdoc />
    protected override void Dispose(bool disposing) => _device.Dispose();

    /// <summary>Which call fails, and what lives.</summary>
    internal sealed class Faults
    {
        /// <summary>The number of the call that fails, from 1 on.</summary>
        public int FailAt { get; init; } = int.MaxValue;

        /// <summary>Whether all later calls fail, too, as those of a device that is lost.</summary>
        public bool IsLost { get; init; }

        /// <summary>How many calls there were.</summary>
        public int Calls { get; private set; }

        /// <summary>What the call that failed was for; null if none has failed.</summary>
        public string? Failed { get; private set; }

        /// <summary>Buffers, functions and graphs that nobody has freed.</summary>
        public int Live { get; set; }

        /// <summary>Counts a call.</summary>
        public void Next(string what)
        {
            if (++Calls != FailAt && !(IsLost && Calls > FailAt))
                return;
            Failed = what;
            throw new BitisException($"No {what} at call {FailAt}.");
        }
    }

    private sealed class Buffer : GpuBuffer
    {
        private readonly Faults _faults;
        private readonly GpuBuffer _inner;

        public Buffer(Faults faults, GpuBuffer inner)
            : base(inner.Address, inner.Bytes)
        {
            (_faults, _inner) = (faults, inner);
            faults.Live++;
        }

        protected override void WriteBytes(ReadOnlySpan<byte> source)
        {
            _faults.Next("copy");
            _inner.Write(source);
        }

        protected override void ReadBytes(Span<byte> target)
        {
            _faults.Next("result");
            _inner.Read(target);
        }

        protected override void Dispose(bool disposing)
        {
            _faults.Live--;
            _inner.Dispose();
        }
    }

    private sealed class Function : GpuFunction
    {
        private readonly Faults _faults;

        public Function(Faults faults, GpuFunction inner)
            : base(inner.Kernel)
        {
            (_faults, Inner) = (faults, inner);
            faults.Live++;
        }

        public GpuFunction Inner { get; }

        protected override void Dispose(bool disposing) => _faults.Live--;
    }

    private sealed class Recording : GpuGraph
    {
        private readonly Faults _faults;
        private readonly FaultyDevice _device;
        private readonly IReadOnlyList<GpuLaunch> _launches;

        public Recording(Faults faults, FaultyDevice device, IReadOnlyList<GpuLaunch> launches)
        {
            (_faults, _device, _launches) = (faults, device, launches);
            faults.Live++;
        }

        public override void Run() => _device.Run(_launches);

        protected override void Dispose(bool disposing) => _faults.Live--;
    }
}
