using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>A GPU behind the CUDA driver.</summary>
/// <remarks>
/// All work goes to one stream, so it runs in the order in which it was asked for. Each call makes the device's context
/// that of its thread.
/// </remarks>
internal sealed unsafe class CudaDevice : GpuDevice
{
    private const int MultiprocessorsAttribute = 16, CacheAttribute = 38, MaxSharedAttribute = 97;

    private readonly CudaContextHandle _context;
    private readonly CudaHandle _stream;
    private readonly ModuleCache? _modules;
    private readonly string _processor;

    /// <summary>Opens a device.</summary>
    /// <param name="info">One of <see cref="CudaDriver.Devices"/>.</param>
    /// <param name="modules">Where assembled kernels are kept; null for nowhere.</param>
    /// <exception cref="BitisException">The driver refuses it.</exception>
    public CudaDevice(CudaDeviceInfo info, ModuleCache? modules)
    {
        (Name, Capability, _modules) = (info.Name, info.Capability, modules);
        _processor = $"{info.Name}, {info.Capability}, driver {info.DriverVersion}";
        CudaErrors.Check(CudaFunctions.GetDevice(out int device, info.Ordinal), "be opened");
        _context = new CudaContextHandle(device);
        try
        {
            Enter();
            Multiprocessors = CudaDriver.Attribute(device, MultiprocessorsAttribute);
            CacheBytes = CudaDriver.Attribute(device, CacheAttribute);
            MaxSharedBytes = CudaDriver.Attribute(device, MaxSharedAttribute);
            const uint NonBlocking = 1;
            CudaErrors.Check(CudaFunctions.CreateStream(out nint stream, NonBlocking), "be opened");
            _stream = new CudaHandle(_context, stream, CudaFunctions.DestroyStream);
        }
        catch
        {
            _context.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public override string Name { get; }

    /// <inheritdoc />
    public override ComputeCapability Capability { get; }

    /// <inheritdoc />
    public override int Multiprocessors { get; }

    /// <inheritdoc />
    public override long CacheBytes { get; }

    /// <inheritdoc />
    public override int MaxSharedBytes { get; }

    /// <summary>The queue of all work.</summary>
    public nint Stream => _stream.Value;

    /// <summary>Makes this device that of the calling thread.</summary>
    public void Enter()
    {
        ObjectDisposedException.ThrowIf(_context.IsClosed, this);
        CudaErrors.Check(_context.Enter(), "be used");
    }

    /// <summary>Waits until all work is done.</summary>
    /// <param name="work">What the work is, for messages.</param>
    public void Wait(string work) => CudaErrors.Check(CudaFunctions.Wait(Stream), work);

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        Enter();
        CudaErrors.Check(CudaFunctions.Allocate(out ulong address, (nuint)bytes), $"hold {bytes:N0} more bytes");
        var handle = new CudaHandle(_context, (nint)address, value => CudaFunctions.Free((ulong)value));
        return new CudaBuffer(this, handle, bytes);
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel)
    {
        Enter();
        var module = new CudaHandle(
            _context, new ModuleLoader(_modules, _processor).Load(kernel), CudaFunctions.UnloadModule);
        try
        {
            string work = $"prepare '{kernel.Name}'";
            CudaErrors.Check(CudaFunctions.GetFunction(out nint function, module.Value, kernel.Name), work);
            const int MaxDynamicSharedAttribute = 8;
            if (kernel.SharedBytes > 0)
            {
                CudaErrors.Check(
                    CudaFunctions.SetFunctionAttribute(function, MaxDynamicSharedAttribute, kernel.SharedBytes), work);
            }
            return new CudaFunction(kernel, module, function);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches)
    {
        Enter();
        const int OfThisThread = 1;
        CudaErrors.Check(CudaFunctions.BeginCapture(Stream, OfThisThread), "record a model");
        int error = 0;
        string work = "record a model";
        foreach (GpuLaunch launch in launches)
        {
            error = Launch(launch);
            if (error != 0)
            {
                work = $"launch '{launch.Function.Kernel.Name}'";
                break;
            }
        }
        int end = CudaFunctions.EndCapture(Stream, out nint graph);
        try
        {
            CudaErrors.Check(error, work);
            CudaErrors.Check(end, work);
            CudaErrors.Check(CudaFunctions.InstantiateGraph(out nint executable, graph, 0), work);
            return new CudaGraph(this, new CudaHandle(_context, executable, CudaFunctions.DestroyExecutable));
        }
        finally
        {
            if (graph != 0)
                _ = CudaFunctions.DestroyGraph(graph);
        }
    }

    /// <inheritdoc />
    public override void Run(IReadOnlyList<GpuLaunch> launches)
    {
        Enter();
        foreach (GpuLaunch launch in launches)
            CudaErrors.Check(Launch(launch), $"launch '{launch.Function.Kernel.Name}'");
    }

    /// <inheritdoc />
    public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches)
    {
        const string Work = "tell the time";
        Enter();
        var clocks = new List<CudaHandle>();
        try
        {
            // All are made first, so that the GPU does not wait for the host between two launches.
            for (int i = 0; i <= launches.Count; i++)
            {
                CudaErrors.Check(CudaFunctions.CreateEvent(out nint clock, 0), Work);
                clocks.Add(new CudaHandle(_context, clock, CudaFunctions.DestroyEvent));
            }
            CudaErrors.Check(CudaFunctions.RecordEvent(clocks[0].Value, Stream), Work);
            for (int i = 0; i < launches.Count; i++)
            {
                CudaErrors.Check(Launch(launches[i]), $"launch '{launches[i].Function.Kernel.Name}'");
                CudaErrors.Check(CudaFunctions.RecordEvent(clocks[i + 1].Value, Stream), Work);
            }
            Wait("run a model");
            return [.. clocks.Zip(clocks.Skip(1), TimeBetween)];
        }
        finally
        {
            clocks.ForEach(clock => clock.Dispose());
        }

        static TimeSpan TimeBetween(CudaHandle start, CudaHandle end)
        {
            CudaErrors.Check(CudaFunctions.GetElapsedTime(out float milliseconds, start.Value, end.Value), Work);
            return TimeSpan.FromMilliseconds(milliseconds);
        }
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        _stream.Dispose();
        _context.Dispose();
    }

    private int Launch(GpuLaunch launch)
    {
        PtxKernel kernel = launch.Function.Kernel;
        int count = launch.Arguments.Count;
        ulong* values = stackalloc ulong[count];
        void** parameters = stackalloc void*[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = launch.Arguments[i].Bits;
            parameters[i] = &values[i];
        }
        return CudaFunctions.Launch(
            ((CudaFunction)launch.Function).Handle, (uint)launch.Grid.X, (uint)launch.Grid.Y, 1, (uint)kernel.Threads,
            1, 1, (uint)kernel.SharedBytes, Stream, parameters, null);
    }
}
