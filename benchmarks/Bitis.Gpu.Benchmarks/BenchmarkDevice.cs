using System.Globalization;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks;

/// <summary>The GPU that is measured, or the interpreter to try the benchmarks without one.</summary>
internal static class BenchmarkDevice
{
    /// <summary>Opens the first GPU, or the interpreter.</summary>
    /// <exception cref="BitisException">There is no GPU or no driver.</exception>
    public static GpuDevice Open(bool isEmulated) => isEmulated
        ? new EmulatedDevice(PtxTarget.Sm80, seed: 7) { MemoryBytes = 1L << 32 }
        : new CudaDevice(CudaDriver.Devices()[0], ModuleCache.OfUser);

    /// <summary>Writes what the device is.</summary>
    public static void Describe(Func<GpuDevice> open, TextWriter output)
    {
        using GpuDevice device = open();
        output.WriteLine("| | |\n|---|---|");
        output.WriteLine($"| GPU | {device.Name}, compute capability {device.Capability} |");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| multiprocessors | {device.Multiprocessors}, cache {device.CacheBytes >> 20} MiB |"));
        if (device is CudaDevice)
        {
            CudaDeviceInfo info = CudaDriver.Devices()[0];
            output.WriteLine($"| memory | {info.MemoryBytes / 1e9:F1} GB |");
            output.WriteLine($"| driver | CUDA {info.DriverVersion} |");
        }
    }
}
