using Bitis.Analysis.Search;
using Bitis.Files;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization.Methods;

namespace Bitis;

/// <summary>What a search looks for, where, and how it runs.</summary>
/// <param name="Budget">What the chosen recipe keeps.</param>
/// <param name="Goal">
/// What is to be as small as possible: latency or size under a budget for the drop, else the drop.
/// </param>
/// <param name="Methods">The methods to choose from, such as <c>mse</c>; a recipe has one.</param>
public sealed record SearchSettings(SearchBudget Budget, SearchMeasure Goal, IReadOnlyList<string> Methods)
{
    /// <summary>How many of the images that choose are used for single parts, unless there are fewer.</summary>
    internal const int PartImages = 512;

    /// <summary>Drops are quotients, which may lie above a limit by rounding only.</summary>
    private const double Rounding = 1e-9;

    /// <summary>Costs that differ by no more than this share count as equal.</summary>
    private const double Alike = 0.01;

    /// <summary>The bits to choose from for each part of a block; float32 is always a choice besides.</summary>
    public IReadOnlyList<BitWidths> Bits { get; init; } = [new(8, 8), new(4, 8)];

    /// <summary>The scopes to choose from: they say which parts of blocks are quantized.</summary>
    public IReadOnlyList<Scope> Scopes { get; init; } = [Scope.Linear, Scope.Ssm, Scope.Full];

    /// <summary>Images at once. It changes memory and time.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// How many threads compute, at most <see cref="ThreadCount.Limit"/>; 0 for one on each processor.
    /// </summary>
    /// <remarks>Latencies are measured with as many threads.</remarks>
    public int Threads { get; init; }

    /// <summary>The seed of what is drawn: the halves of the images, and a sample of them for single parts.</summary>
    public int Seed { get; init; }

    /// <summary>The folder for finished runs; null for none.</summary>
    /// <remarks>
    /// Searches with the same model and images continue from there, also under other budgets. Runs of others are
    /// refused. The caller deletes the folder.
    /// </remarks>
    public string? WorkFolder { get; init; }

    /// <summary>Receives the progress of the work.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }

    /// <summary>The cost in the trade with accuracy: of goal and budget, the one that is not the drop.</summary>
    internal SearchMeasure Cost => Goal == SearchMeasure.Drop ? Budget.Measure : Goal;

    /// <summary>Whether a point keeps the budget.</summary>
    internal bool Fits(SearchPoint point) => point.Value(Budget.Measure) <= Budget.Limit * (1 + Rounding);

    /// <summary>The point that keeps the budget with the smallest goal; null if none keeps it.</summary>
    /// <remarks>
    /// Of those that cost nearly the same, the one that agrees most with the float model: agreement is known better
    /// than the drop.
    /// </remarks>
    internal SearchPoint? Best(IEnumerable<SearchPoint> points)
    {
        SearchPoint[] fitting = [.. points.Where(Fits)];
        if (fitting.Length == 0)
            return null;
        double least = fitting.Min(point => point.Value(Goal));
        double most = Goal == SearchMeasure.Drop ? least : least * (1 + Alike);
        return fitting.Where(point => point.Value(Goal) <= most)
            .OrderByDescending(point => point.Choosing.SameTop1).ThenBy(point => point.Value(Cost)).First();
    }

    /// <summary>Checks that the settings can be searched.</summary>
    /// <exception cref="BitisException">They contradict each other, or a list is empty.</exception>
    internal void Validate()
    {
        if (Budget is null || Methods is null || Bits is null || Scopes is null)
            throw new BitisException("A search needs a budget, and lists of methods, bits and scopes.");
        if ((Budget.Measure == SearchMeasure.Drop) == (Goal == SearchMeasure.Drop))
        {
            throw new BitisException(
                $"With '{Budget}', {(Goal == SearchMeasure.Drop ? "latency or size is" : "the drop is")} to be small, "
                + $"not the {Goal.ToString().ToLowerInvariant()}.");
        }
        if (Methods.Count == 0 || Bits.Count == 0 || Scopes.Count == 0)
            throw new BitisException("A search needs at least one method, one pair of bits and one scope.");
        foreach (string method in Methods)
            QuantizationMethod.Find(method);
        if (Bits.Contains(BitWidths.None))
        {
            throw new BitisException(
                "The bits to choose from are those of quantized blocks; float32 is always a choice besides.");
        }
        if (BatchSize <= 0)
            throw new BitisException($"A search with {BatchSize} images at once: at least one was expected.");
        _ = ThreadCount.Resolve(Threads);
        if (WorkFolder is { } folder)
            OutputFolder.RequireWritable(folder, "the work folder");
    }
}
