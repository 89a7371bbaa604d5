using Bitis.Kernels.Dispatch;

namespace Bitis;

/// <summary>How an <see cref="InferenceSession"/> uses the machine.</summary>
public sealed record SessionOptions
{
    /// <summary>The options that use the whole machine.</summary>
    public static SessionOptions Default { get; } = new();

    /// <summary>What computes; the CPU by default.</summary>
    public ComputeDevice Device { get; init; } = ComputeDevice.Cpu;

    /// <summary>How many threads compute a lone call; 0 for one on each processor.</summary>
    /// <remarks>At most <see cref="ThreadCount.Limit"/>. Results do not depend on it.</remarks>
    public int Threads { get; init; }
}
