namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>A recipe that a search tried. Shares are 0 to 1.</summary>
/// <param name="Recipe">The recipe.</param>
/// <param name="IsUniform">Whether it treats all layers alike.</param>
/// <param name="ChoosingTop1">Top-1 on the images that choose.</param>
/// <param name="Drop">How many points of top-1 it loses on them against float32.</param>
/// <param name="ReportingTop1">Top-1 on the images that report; null if it was not measured.</param>
/// <param name="FileBytes">The size of the model's file.</param>
/// <param name="PredictedMs">The milliseconds by the table of measured layers.</param>
/// <param name="LatencyMs">The measured median for the whole model; null if it was not measured.</param>
internal sealed record SearchPoint(
    Recipe Recipe,
    bool IsUniform,
    double ChoosingTop1,
    double Drop,
    double? ReportingTop1,
    long FileBytes,
    double PredictedMs,
    double? LatencyMs);
