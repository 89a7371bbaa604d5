using Bitis.Analysis.Search;

namespace Bitis.Analysis.Results;

/// <summary>A recipe that a search measured. Shares are 0 to 1, drops points of 100; null is unknown.</summary>
/// <param name="Recipe">The recipe.</param>
/// <param name="IsUniform">Whether it has no overrides.</param>
/// <param name="ChoosingTop1">The accuracy on the images that choose.</param>
/// <param name="ChoosingMeanIou">Of models that segment: the mean IoU instead.</param>
/// <param name="Drop">How much less that is than the float model's.</param>
/// <param name="DropError">The standard error of the drop.</param>
/// <param name="EstimatedDrop">The drop as it is estimated from all recipes together; the budget limits it.</param>
/// <param name="SameTop1">The share of these images (or pixels) with the class that the float model gives.</param>
/// <param name="ReportingTop1">The accuracy on the images that report.</param>
/// <param name="ReportingMeanIou">Of models that segment: the mean IoU instead.</param>
/// <param name="ReportingDrop">How much less that is than the float model's.</param>
/// <param name="ReportingDropError">The standard error of that drop.</param>
/// <param name="ReportingExpectedDrop">What the changed answers cost there on average.</param>
/// <param name="FileBytes">The size of the model's file in bytes.</param>
/// <param name="PredictedMs">The milliseconds for one image, from the operations of its blocks.</param>
/// <param name="LatencyMs">The milliseconds of the whole model, which a tenth of the runs beat.</param>
public sealed record SearchedRecipe(
    Recipe Recipe,
    bool IsUniform,
    double? ChoosingTop1,
    double? ChoosingMeanIou,
    double Drop,
    double? DropError,
    double EstimatedDrop,
    double SameTop1,
    double? ReportingTop1,
    double? ReportingMeanIou,
    double? ReportingDrop,
    double? ReportingDropError,
    double? ReportingExpectedDrop,
    long FileBytes,
    double PredictedMs,
    double? LatencyMs)
{
    /// <summary>What users see of a point.</summary>
    internal static SearchedRecipe? Of(SearchPoint? point, bool segments) => point is null ? null : new SearchedRecipe(
        point.Recipe, point.IsUniform, segments ? null : point.Choosing.Score, segments ? point.Choosing.Score : null,
        point.Choosing.Drop, point.Choosing.DropError, point.Value(SearchMeasure.Drop), point.Choosing.SameTop1,
        segments ? null : point.Reporting?.Score, segments ? point.Reporting?.Score : null, point.Reporting?.Drop,
        point.Reporting?.DropError, point.Reporting?.ExpectedDrop, point.FileBytes, point.PredictedMs, point.LatencyMs);

    /// <summary>The drop on the images that choose, with its standard error.</summary>
    internal string DropInWords => InPoints(Drop, DropError);

    /// <summary>The drop on the images that report; null if it was not measured.</summary>
    internal string? ReportingDropInWords =>
        ReportingDrop is { } drop ? InPoints(drop, ReportingDropError) : null;

    private static string InPoints(double drop, double? error) =>
        error is null ? $"{drop:0.00}" : $"{drop:0.00} ± {error:0.00}";
}
