using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels.Convolutions;
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
    public override void Run(IReadOnlyList<GpuLaunch> launches)
    {
        foreach (GpuLaunch launch in launches)
            Run(launch);
    }

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
        PairedBuffer[] buffers =
        [
            .. launch.Arguments.Where(argument => argument.Kind == ParameterKind.Pointer)
                .Select(argument => Find(argument.Bits)).Distinct(),
        ];
        byte[][] before = [.. buffers.Select(buffer => buffer.Snapshot())];
        real.Run([new GpuLaunch(function.Real, launch.Grid, [.. launch.Arguments])]);
        model.Launch(new GpuLaunch(function.Model, launch.Grid, [.. launch.Arguments.Select(ForModel)]));
        foreach ((PairedBuffer buffer, byte[] old) in buffers.Zip(before))
            buffer.Compare(launch.Function.Kernel, old, differences);
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
        public override void Run() => device.Run(launches);

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class PairedBuffer(GpuBuffer real, EmulatedBuffer model) : GpuBuffer(real.Address, real.Bytes)
    {
        public EmulatedBuffer Model => model;

        /// <summary>What the GPU has, which the interpreter has, too, before a launch.</summary>
        public byte[] Snapshot()
        {
            var bytes = new byte[Bytes];
            if (real is EmulatedBuffer interpreted)
                interpreted.CopyWritten(bytes); // it refuses to read what nobody wrote
            else
                real.Read<byte>(bytes);
            return bytes;
        }

        /// <summary>Compares what a launch wrote; then the interpreter takes over the GPU's values.</summary>
        public void Compare(PtxKernel kernel, byte[] before, PairedDifferences differences)
        {
            byte[] there = Snapshot(), here = [.. there];
            model.CopyWritten(here);
            differences.Add(
                kernel.Name, before, here, there, roundsInside: kernel.Shape is ProjectedConvolutionShape);
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
