using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>A GPU of this machine.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">The name that the maker gave it.</param>
/// <param name="Capability">What instructions it has.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="DriverVersion">The version of CUDA that the driver has.</param>
internal sealed record CudaDeviceInfo(
    int Ordinal, string Name, ComputeCapability Capability, long MemoryBytes, string DriverVersion);
