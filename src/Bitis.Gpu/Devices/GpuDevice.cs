using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Devices;

/// <summary>A GPU: memory, kernels and graphs of launches. Tests put an interpreter in its place.</summary>
/// <remarks>Buffers, functions and graphs belong to the device that made them and must not outlive it.</remarks>
internal abstract class GpuDevice : IDisposable
{
    private readonly Dictionary<string, GpuBuffer> _constants = [];

    /// <summary>The name that the maker gave it.</summary>
    public abstract string Name { get; }

    /// <summary>What instructions it has.</summary>
    public abstract ComputeCapability Capability { get; }

    /// <summary>How many multiprocessors it has, each of which runs blocks of its own.</summary>
    public abstract int Multiprocessors { get; }

    /// <summary>The bytes of the cache that all multiprocessors share.</summary>
    public abstract long CacheBytes { get; }

    /// <summary>The most shared memory of a block.</summary>
    public abstract int MaxSharedBytes { get; }

    /// <summary>Reserves memory with any contents.</summary>
    /// <exception cref="BitisException">The GPU has not enough memory.</exception>
    public abstract GpuBuffer Allocate(long bytes);

    /// <summary>Makes a kernel ready.</summary>
    /// <exception cref="BitisException">
    /// The driver refuses the kernel; the message has the assembler's words.
    /// </exception>
    public abstract GpuFunction Load(PtxKernel kernel);

    /// <summary>Records launches as a graph, which runs them one after the other.</summary>
    /// <exception cref="BitisException">The driver refuses it, for example for lack of memory.</exception>
    public abstract GpuGraph Record(IReadOnlyList<GpuLaunch> launches);

    /// <summary>Runs launches one after the other, without a graph. It may return before they end.</summary>
    public abstract void Run(IReadOnlyList<GpuLaunch> launches);

    /// <summary>Runs launches one after the other, and tells how long each took.</summary>
    public abstract IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches);

    /// <summary>The bytes of all values that never change: what models keep between calls.</summary>
    public long ConstantBytes => _constants.Values.Sum(buffer => buffer.Bytes);

    /// <summary>Values that never change, in memory of the device. The same values are there once.</summary>
    /// <remarks>Plans of one model have most of them in common.</remarks>
    public GpuBuffer Constant<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        string digest = Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(values)));
        if (!_constants.TryGetValue(digest, out GpuBuffer? buffer))
            _constants.Add(digest, buffer = Upload(values));
        return buffer;
    }

    /// <summary>Reserves memory and fills it.</summary>
    public unsafe GpuBuffer Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        GpuBuffer buffer = Allocate(Math.Max(1, (long)values.Length) * sizeof(T));
        try
        {
            buffer.Write(values);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
        return buffer;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (GpuBuffer buffer in _constants.Values)
            buffer.Dispose();
        _constants.Clear();
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what belongs to the device.</summary>
    protected abstract void Dispose(bool disposing);
}
