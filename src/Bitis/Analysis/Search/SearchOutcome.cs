namespace Bitis.Analysis.Search;

/// <summary>What a search found.</summary>
/// <param name="Front">The points of which none is as cheap with a smaller drop, the cheapest first.</param>
/// <param name="Uniform">The recipes without overrides.</param>
/// <param name="Chosen">The best point that keeps the budget; null if none does.</param>
/// <param name="BestUniform">The best recipe without overrides that keeps the budget; null if none does.</param>
/// <param name="Nearest">The point that is nearest to the budget.</param>
internal sealed record SearchOutcome(
    IReadOnlyList<SearchPoint> Front, IReadOnlyList<SearchPoint> Uniform, SearchPoint? Chosen,
    SearchPoint? BestUniform, SearchPoint Nearest)
{
    /// <summary>The float model's accuracy or mean IoU on the images that choose, 0 to 1.</summary>
    public required double FloatChoosing { get; init; }

    /// <summary>The float model's accuracy or mean IoU on the images that report; null if nothing was chosen.</summary>
    public required double? FloatReporting { get; init; }

    /// <summary>The float model's milliseconds for one image.</summary>
    public required double FloatMs { get; init; }

    /// <summary>How many mixtures were measured.</summary>
    public required int Tried { get; init; }

    /// <summary>How many runs an earlier search had finished.</summary>
    public required int Resumed { get; init; }
}
