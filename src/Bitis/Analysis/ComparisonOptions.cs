using Bitis.Kernels.Dispatch;

namespace Bitis;

/// <summary>How a comparison runs.</summary>
public sealed record ComparisonOptions
{
    /// <summary>Images at once. It changes memory and time, not the answers.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// How many threads compute, at most <see cref="ThreadCount.Limit"/>; 0 for one on each processor.
    /// </summary>
    /// <remarks>Latencies are measured with as many threads.</remarks>
    public int Threads { get; init; }

    /// <summary>How many runs of each model count for its latency; a fifth as many come before.</summary>
    public int LatencyRuns { get; init; } = 100;

    /// <summary>Receives the progress of the work.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }
}
