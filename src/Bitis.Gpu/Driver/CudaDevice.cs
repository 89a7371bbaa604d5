using System.Text;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>A GPU behind the CUDA driver.</summary>
/// <remarks>
/// All work goes to one stream, so it runs in the order in which it was asked for. Each call makes the device's context
/// that of its thread. The driver keeps assembled kernels on disk, by device and text, so that only the first start
/// waits for the assembler.
/// </remarks>
internal sealed unsafe class CudaDevice : GpuDevice
{
    private const int MultiprocessorsAttribute = 16, MaxSharedAttribute = 97;

    private readonly int _device;
    private readonly nint _context;
    private bool _isDisposed;

    /// <summary>Opens a device.</summary>
    /// <param name="info">One of <see cref="CudaDriver.Devices"/>.</param>
    /// <exception cref="BitisException">The driver refuses it.</exception>
    public CudaDevice(CudaDeviceInfo info)
    {
        Name = info.Name;
        Capability = info.Capability;
        CudaErrors.Check(CudaFunctions.GetDevice(out _device, info.Ordinal), "be opened");
        CudaErrors.Check(CudaFunctions.RetainContext(out _context, _device), "be opened");
        try
        {
            Enter();
            Multiprocessors = CudaDriver.Attribute(_device, MultiprocessorsAttribute);
            MaxSharedBytes = CudaDriver.Attribute(_device, MaxSharedAttribute);
            const uint NonBlocking = 1;
            CudaErrors.Check(CudaFunctions.CreateStream(out nint stream, NonBlocking), "be opened");
            Stream = stream;
        }
        catch
        {
            _ = CudaFunctions.ReleaseContext(_device);
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
    public override int MaxSharedBytes { get; }

    /// <summary>The queue of all work.</summary>
    public nint Stream { get; }

    /// <summary>Makes this device that of the calling thread.</summary>
    public void Enter()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        CudaErrors.Check(CudaFunctions.SetContext(_context), "be used");
    }

    /// <summary>As <see cref="Enter"/>, to free something; false if the device is gone.</summary>
    public bool TryEnter() => !_isDisposed && CudaFunctions.SetContext(_context) == 0;

    /// <summary>Waits until all work is done.</summary>
    /// <param name="work">What the work is, for messages.</param>
    public void Wait(string work) => CudaErrors.Check(CudaFunctions.Wait(Stream), work);

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        Enter();
        CudaErrors.Check(CudaFunctions.Allocate(out ulong address, (nuint)bytes), $"hold {bytes:N0} more bytes");
        return new CudaBuffer(this, address, bytes);
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel)
    {
        Enter();
        nint module = Assemble(kernel);
        try
        {
            string work = $"prepare '{kernel.Name}'";
            CudaErrors.Check(CudaFunctions.GetFunction(out nint function, module, kernel.Name), work);
            const int MaxDynamicSharedAttribute = 8;
            if (kernel.SharedBytes > 0)
            {
                CudaErrors.Check(
                    CudaFunctions.SetFunctionAttribute(function, MaxDynamicSharedAttribute, kernel.SharedBytes), work);
            }
            return new CudaFunction(this, kernel, module, function);
        }
        catch
        {
            _ = CudaFunctions.UnloadModule(module);
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
            return new CudaGraph(this, executable);
        }
        finally
        {
            if (graph != 0)
                _ = CudaFunctions.DestroyGraph(graph);
        }
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _ = CudaFunctions.SetContext(_context);
        _ = CudaFunctions.DestroyStream(Stream);
        _ = CudaFunctions.ReleaseContext(_device);
    }

    /// <summary>Assembles a kernel. The assembler's words are part of the message if it refuses.</summary>
    private static nint Assemble(PtxKernel kernel)
    {
        const int LogBytes = 4096, ErrorLog = 5, ErrorLogBytes = 6;
        byte[] image = Encoding.ASCII.GetBytes($"{kernel.Text}\0"), log = new byte[LogBytes];
        int* options = stackalloc int[] { ErrorLog, ErrorLogBytes };
        fixed (byte* text = image, words = log)
        {
            nint* values = stackalloc nint[] { (nint)words, LogBytes };
            int error = CudaFunctions.LoadModule(out nint module, text, 2, options, values);
            if (error == 0)
                return module;
            BitisException cause = CudaErrors.Exception(error, $"assemble '{kernel.Name}'");
            string said = Encoding.ASCII.GetString(log.AsSpan(0, Array.IndexOf(log, (byte)0))).Trim();
            throw said.Length == 0 ? cause : new BitisException($"{cause.Message} {said}", cause);
        }
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
