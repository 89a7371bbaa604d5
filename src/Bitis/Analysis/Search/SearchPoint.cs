using Bitis.Analysis.Search.Measures;

namespace Bitis.Analysis.Search;

/// <summary>A recipe that a search has measured.</summary>
/// <param name="Recipe">The recipe.</param>
/// <param name="Mixture">The index of each part's choice.</param>
/// <param name="IsUniform">Whether it is one of the recipes without overrides that the search beats.</param>
/// <param name="Loss">The predicted loss, the sum of those of its parts alone.</param>
/// <param name="PredictedMs">The predicted milliseconds for one image.</param>
/// <param name="FileBytes">The size of the file.</param>
/// <param name="Choosing">Its answers to the images that choose.</param>
internal sealed record SearchPoint(
    Recipe Recipe, IReadOnlyList<int> Mixture, bool IsUniform, double Loss, double PredictedMs, long FileBytes,
    AnswerQuality Choosing)
{
    /// <summary>The drop as it is estimated from all recipes together; null for what was measured.</summary>
    public double? EstimatedDrop { get; init; }

    /// <summary>The milliseconds of the whole model for one image; null if it was not timed.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Its answers to the images that report; null for all but the chosen ones.</summary>
    public AnswerQuality? Reporting { get; init; }

    /// <summary>What a budget limits or a search makes small; a time that was not measured is predicted.</summary>
    public double Value(SearchMeasure measure) => measure switch
    {
        SearchMeasure.Latency => LatencyMs ?? PredictedMs,
        SearchMeasure.Size => FileBytes,
        _ => EstimatedDrop ?? Choosing.Drop,
    };
}
