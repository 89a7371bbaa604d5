using Bitis.Kernels.Dispatch;

namespace Bitis;

/// <summary>How an analysis of a model's sites runs.</summary>
public sealed record SensitivityOptions
{
    /// <summary>Other bits that the recipe is also tried with; their sites are ranked in the same list.</summary>
    public IReadOnlyList<BitWidths> OtherBits { get; init; } = [];

    /// <summary>How many sites, the highest scores first, are also quantized alone and left alone.</summary>
    public int ExactSites { get; init; } = 10;

    /// <summary>Images at once. It changes memory and time.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// How many threads compute, at most <see cref="ThreadCount.Limit"/>; 0 for one on each processor.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>The seed of the classes that are drawn for scores.</summary>
    public int Seed { get; init; }

    /// <summary>The folder for finished sites; null for none.</summary>
    /// <remarks>
    /// An analysis of the same model, recipe and images continues from there. Sites of another one are refused. The
    /// caller deletes the folder.
    /// </remarks>
    public string? WorkFolder { get; init; }

    /// <summary>Receives the progress of the work.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }
}
