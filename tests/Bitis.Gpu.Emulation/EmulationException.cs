namespace Bitis.Gpu.Emulation;

/// <summary>The interpreter found a defect of a kernel.</summary>
/// <param name="kind">What is wrong.</param>
/// <param name="message">Where, and with what.</param>
internal sealed class EmulationException(FindingKind kind, string message) : Exception($"{kind}: {message}")
{
    /// <summary>What is wrong.</summary>
    public FindingKind Kind { get; } = kind;
}
