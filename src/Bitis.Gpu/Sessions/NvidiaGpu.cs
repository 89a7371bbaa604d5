using Bitis.Gpu.Devices;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Ptx;

namespace Bitis;

/// <summary>A GPU of this machine, for <see cref="GpuOptions.Gpu"/>.</summary>
public sealed class NvidiaGpu
{
    private readonly Func<GpuDevice> _open;
    private readonly ComputeCapability _capability;

    /// <summary>Describes a GPU, or what tests put in its place.</summary>
    /// <param name="info">The GPU.</param>
    /// <param name="open">Opens it.</param>
    internal NvidiaGpu(CudaDeviceInfo info, Func<GpuDevice> open)
    {
        (Name, MemoryBytes, DriverVersion, _open) = (info.Name, info.MemoryBytes, info.DriverVersion, open);
        _capability = info.Capability;
    }

    /// <summary>The name that NVIDIA gave it.</summary>
    public string Name { get; }

    /// <summary>Its memory.</summary>
    public long MemoryBytes { get; }

    /// <summary>Its generation, as NVIDIA counts: <c>9.0</c>. Bitis needs 8.0 or later.</summary>
    public string ComputeCapability => $"{_capability}";

    /// <summary>The version of CUDA that its driver has.</summary>
    public string DriverVersion { get; }

    /// <summary>Why it cannot be used; null if it can.</summary>
    internal string? WhyNot => _capability >= PtxTarget.Sm80.Capability
        ? null
        : $"too old: Bitis needs {PtxTarget.Sm80.Capability} (Ampere) or later";

    /// <summary>The GPUs of this machine.</summary>
    /// <exception cref="BitisException">There is no GPU or no driver; the message says which.</exception>
    public static IReadOnlyList<NvidiaGpu> FindAll() =>
        [.. CudaDriver.Devices().Select(info => new NvidiaGpu(info, () => new CudaDevice(info, ModuleCache.OfUser)))];

    /// <inheritdoc />
    public override string ToString() => Name;

    /// <summary>The first GPU that is new enough; else the first one, which is refused when it is used.</summary>
    /// <exception cref="BitisException">There is no GPU or no driver; the message says which.</exception>
    internal static NvidiaGpu FindFirst()
    {
        IReadOnlyList<NvidiaGpu> gpus = FindAll();
        return gpus.FirstOrDefault(gpu => gpu.WhyNot is null) ?? gpus[0];
    }

    /// <summary>Opens it.</summary>
    /// <exception cref="BitisException">It is too old, or the driver refuses it.</exception>
    internal GpuDevice Open()
    {
        _ = PtxTarget.For(_capability);
        return _open();
    }
}
