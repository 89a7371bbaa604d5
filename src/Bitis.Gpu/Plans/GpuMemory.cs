using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Plans;

/// <summary>The memory of values between launches.</summary>
/// <remarks>Launches run in order, so the memory of a value that nobody reads any more serves again.</remarks>
/// <param name="device">The device.</param>
/// <param name="owned">Receives all buffers.</param>
internal sealed class GpuMemory(GpuDevice device, List<IDisposable> owned)
{
    private readonly List<GpuBuffer> _free = [];
    private readonly Dictionary<GpuBuffer, int> _until = [];

    /// <summary>Takes memory until a unit of the plan is done.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="until">The last unit that uses it.</param>
    public GpuBuffer Take(long bytes, int until)
    {
        // The smallest that fits, and no more than twice as large as needed.
        GpuBuffer? buffer = _free.Where(free => free.Bytes >= bytes && free.Bytes / 2 <= bytes)
            .MinBy(free => free.Bytes);
        if (buffer is null)
            owned.Add(buffer = device.Allocate(bytes));
        else
            _free.Remove(buffer);
        _until[buffer] = until;
        return buffer;
    }

    /// <summary>Keeps memory at least until a unit is done. Other memory than that of values is not changed.</summary>
    public void Hold(GpuBuffer buffer, int until)
    {
        if (_until.TryGetValue(buffer, out int known))
            _until[buffer] = Math.Max(known, until);
    }

    /// <summary>Whether no unit after this one uses memory.</summary>
    public bool EndsBy(GpuBuffer buffer, int unit) => _until.TryGetValue(buffer, out int until) && until <= unit;

    /// <summary>Frees what no later unit uses, and returns it.</summary>
    public IReadOnlySet<GpuBuffer> Release(int unit)
    {
        HashSet<GpuBuffer> free = [.. _until.Where(pair => pair.Value <= unit).Select(pair => pair.Key)];
        foreach (GpuBuffer buffer in free)
            _until.Remove(buffer);
        _free.AddRange(free);
        return free;
    }
}
