namespace Bitis.Cli.Output.Parts;

/// <summary>A GPU of this machine.</summary>
/// <param name="Name">The name that the maker gave it.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="ComputeCapability">Its generation.</param>
/// <param name="DriverVersion">The version of CUDA that its driver has.</param>
/// <param name="WhyNot">Why it cannot be used; null if it can.</param>
internal sealed record GpuReport(
    string Name, long MemoryBytes, string ComputeCapability, string DriverVersion, string? WhyNot)
{
    /// <summary>The GPU as text.</summary>
    public string Describe() =>
        $"{Name}, {Format.Bytes(MemoryBytes)}, compute capability {ComputeCapability}"
        + $"{(WhyNot is null ? "" : $" ({WhyNot})")}, driver of CUDA {DriverVersion}";
}
