namespace Bitis.Cli.Output.Parts;

/// <summary>A GPU of this machine.</summary>
internal sealed record GpuReport(string Name, long MemoryBytes, string ComputeCapability, string DriverVersion)
{
    /// <summary>The GPU as text.</summary>
    public string Describe() =>
        $"{Name}, {Format.Bytes(MemoryBytes)}, compute capability {ComputeCapability}, driver of CUDA {DriverVersion}";
}
