using System.Globalization;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks;

/// <summary>The GPU that is measured, or the interpreter to try the benchmarks without one.</summary>
internal static class BenchmarkDevice
{
    /// <summary>Opens the first GPU that is new enough, or the interpreter.</summary>
    /// <exception cref="BitisException">There is no driver, no GPU, or only one that is too old.</exception>
    public static GpuDevice Open(bool isEmulated) => isEmulated
        ? new EmulatedDevice(PtxTarget.Sm80, seed: 7) { MemoryBytes = 1L << 32 }
        : NvidiaGpu.FindFirst().Open();

    /// <summary>Writes what the device is.</summary>
    public static void Describe(bool isEmulated, TextWriter output)
    {
        using GpuDevice device = Open(isEmulated);
        output.WriteLine("| | |\n|---|---|");
        output.WriteLine($"| GPU | {device.Name}, compute capability {device.Capability} |");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| multiprocessors | {device.Multiprocessors}, cache {device.CacheBytes >> 20} MiB |"));
        if (isEmulated)
            return;
        var gpu = NvidiaGpu.FindFirst();
        output.WriteLine($"| memory | {gpu.MemoryBytes / 1e9:F1} GB |");
        output.WriteLine($"| driver | CUDA {gpu.DriverVersion} |");
    }
}
