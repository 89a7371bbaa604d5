using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks.Checks;

/// <summary>A GPU and the interpreter side by side: both run each launch on the same bytes, and are compared.</summary>
/// <param name="real">The GPU.</param>
/// <param name="model">The interpreter.</param>
/// <param name="differences">Receives what is different.</param>
internal sealed class PairedDevice(GpuDevice real, EmulatedDevice model, PairedDifferences differences) : GpuDevice
{
    private readonly List<PairedBuffer> _buffers = [];

    /// <inheritdoc />
    public override string Name => real.Name;

    /// <inheritdoc />
    public override ComputeCapability Capability => real.Capability;

    /// <inheritdoc />
    public override int Multiprocessors => real.Multiprocessors;

    /// <inheritdoc />
    public override long CacheBytes => real.CacheBytes;

    /// <inheritdoc />
    public override int MaxSharedBytes => real.MaxSharedBytes;

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        var buffer = new PairedBuffer(real.Allocate(bytes), (EmulatedBuffer)model.Allocate(bytes));
        _buffers.Add(buffer);
        return buffer;
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel) =>
        new PairedFunction(kernel, real.Load(kernel), model.Load(kernel));

    /// <inheritdoc />
    public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches) => new PairedGraph(this, [.. launches]);

    /// <inheritdoc />
    public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches) => real.Time(launches);

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        real.Dispose();
        model.Dispose();
    }

    private void Run(GpuLaunch launch)
    {
        var function = (PairedFunction)launch.Function;
        using (GpuGraph graph = real.Record(
            [new GpuLaunch(function.Real, launch.Grid, [.. launch.Arguments])]))
        {
            graph.Run();
        }
        model.Launch(new GpuLaunch(function.Model, launch.Grid, [.. launch.Arguments.Select(ForModel)]));
        foreach (GpuArgument argument in launch.Arguments.Where(a => a.Kind == ParameterKind.Pointer))
            Find(argument.Bits).Compare(launch.Function.Kernel.Name, differences);
    }

    private GpuArgument ForModel(GpuArgument argument)
    {
        if (argument.Kind != ParameterKind.Pointer)
            return argument;
        PairedBuffer buffer = Find(argument.Bits);
        return GpuArgument.At(buffer.Model, (long)(argument.Bits - buffer.Address));
    }

    private PairedBuffer Find(ulong address) => _buffers.First(
        buffer => address >= buffer.Address && address < buffer.Address + (ulong)buffer.Bytes);

    private sealed class PairedFunction(PtxKernel kernel, GpuFunction real, GpuFunction model) : GpuFunction(kernel)
    {
        public GpuFunction Real => real;

        public GpuFunction Model => model;

        protected override void Dispose(bool disposing)
        {
            real.Dispose();
            model.Dispose();
        }
    }

    private sealed class PairedGraph(PairedDevice device, IReadOnlyList<GpuLaunch> launches) : GpuGraph
    {
        public override void Run()
        {
            foreach (GpuLaunch launch in launches)
                device.Run(launch);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class PairedBuffer(GpuBuffer real, EmulatedBuffer model) : GpuBuffer(real.Address, real.Bytes)
    {
        public EmulatedBuffer Model => model;

        /// <summary>Compares what the interpreter has, and gives it the GPU's values for what follows.</summary>
        public void Compare(string kernel, PairedDifferences differences)
        {
            byte[] there = new byte[Bytes], here = new byte[Bytes];
            if (real is EmulatedBuffer interpreted)
                interpreted.CopyWritten(there); // it refuses to read what nobody wrote
            else
                real.Read<byte>(there);
            there.CopyTo(here, 0);
            model.CopyWritten(here);
            differences.Add(kernel, here, there);
            model.ReplaceWritten(there);
        }

        protected override void WriteBytes(ReadOnlySpan<byte> source)
        {
            real.Write(source);
            model.Write(source);
        }

        protected override void ReadBytes(Span<byte> target) => real.Read(target);

        protected override void Dispose(bool disposing)
        {
            real.Dispose();
            model.Dispose();
        }
    }
}
