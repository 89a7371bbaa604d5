namespace Bitis.Analysis.Search;

/// <summary>What a search looks for, and where.</summary>
/// <param name="Budget">What the chosen recipe keeps.</param>
/// <param name="Goal">What is to be as small as possible.</param>
/// <param name="Methods">The methods; each makes recipes of its own.</param>
internal sealed record SearchSettings(SearchBudget Budget, SearchMeasure Goal, IReadOnlyList<string> Methods)
{
    /// <summary>How many of the images that choose are used for single parts, unless there are fewer.</summary>
    public const int PartImages = 512;

    /// <summary>Drops are quotients, which may lie above a limit by rounding only.</summary>
    private const double Rounding = 1e-9;

    /// <summary>Costs that differ by no more than this share count as equal.</summary>
    private const double Alike = 0.01;

    /// <summary>The bits to choose from.</summary>
    public IReadOnlyList<BitWidths> Bits { get; init; } = [new(8, 8), new(4, 8)];

    /// <summary>The scopes to choose from.</summary>
    public IReadOnlyList<Scope> Scopes { get; init; } = [Scope.Linear, Scope.Ssm, Scope.Full];

    /// <summary>Images at once.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>How many threads compute; 0 for one on each processor.</summary>
    public int Threads { get; init; }

    /// <summary>The seed of what is drawn.</summary>
    public int Seed { get; init; }

    /// <summary>The folder for finished runs; null for none.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>The cost in the trade with accuracy: of goal and budget, the one that is not the drop.</summary>
    public SearchMeasure Cost => Goal == SearchMeasure.Drop ? Budget.Measure : Goal;

    /// <summary>Whether a point keeps the budget.</summary>
    public bool Fits(SearchPoint point) => point.Value(Budget.Measure) <= Budget.Limit * (1 + Rounding);

    /// <summary>The point that keeps the budget with the smallest goal; null if none keeps it.</summary>
    /// <remarks>
    /// Of those that cost nearly the same, the one that agrees most with the float model: agreement is known better
    /// than the drop.
    /// </remarks>
    public SearchPoint? Best(IEnumerable<SearchPoint> points)
    {
        SearchPoint[] fitting = [.. points.Where(Fits)];
        if (fitting.Length == 0)
            return null;
        double least = fitting.Min(point => point.Value(Goal));
        double most = Goal == SearchMeasure.Drop ? least : least * (1 + Alike);
        return fitting.Where(point => point.Value(Goal) <= most)
            .OrderByDescending(point => point.Choosing.SameTop1).ThenBy(point => point.Value(Cost)).First();
    }
}
