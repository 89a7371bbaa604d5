namespace Bitis.Analysis.Results;

/// <summary>What a search found. Shares are 0 to 1.</summary>
/// <param name="Front">The recipes of which none is as cheap with a smaller drop, the cheapest first.</param>
/// <param name="Uniform">The recipes without overrides.</param>
/// <param name="Chosen">The best recipe that keeps the budget; null if none does.</param>
/// <param name="BestUniform">The best recipe without overrides that keeps the budget; null if none does.</param>
/// <param name="Nearest">The recipe that is nearest to the budget.</param>
public sealed record RecipeSearchResult(
    IReadOnlyList<SearchedRecipe> Front,
    IReadOnlyList<SearchedRecipe> Uniform,
    SearchedRecipe? Chosen,
    SearchedRecipe? BestUniform,
    SearchedRecipe Nearest)
{
    /// <summary>How many images chose.</summary>
    public required int ChoosingImages { get; init; }

    /// <summary>How many other images reported.</summary>
    public required int ReportingImages { get; init; }

    /// <summary>The float model's accuracy, or its mean IoU if it segments, on the images that choose.</summary>
    public required double FloatChoosing { get; init; }

    /// <summary>The same on the images that report; null if nothing was chosen.</summary>
    public required double? FloatReporting { get; init; }

    /// <summary>The bytes of the float model's weights.</summary>
    public required long FloatBytes { get; init; }

    /// <summary>The float model's milliseconds for one image, which a tenth of the runs beat.</summary>
    public required double FloatMs { get; init; }

    /// <summary>How many mixtures were measured.</summary>
    public required int Tried { get; init; }

    /// <summary>How many runs an earlier search had finished.</summary>
    public required int Resumed { get; init; }
}
